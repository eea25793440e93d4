"""Progress as lines in a log and as a bar on a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.loop.progress import BarProgress, LineProgress, SilentProgress, make_progress
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.plan.reason import Reason

RECORD = EpochRecord(3, 30, 0.5, 0.01, 1.25, {"loss": 0.75, "accuracy": 0.5})


@pytest.fixture
def explained_plan(plan):
    return plan(reasons=(("learning_rate", Reason("the usual peak", "0.1 s")), ("epochs", Reason("set by the user"))))


def test_lines_have_a_fixed_order(explained_plan, blobs):
    stream = io.StringIO()
    lines = LineProgress(stream, interval_s=0)
    lines.start(explained_plan, blobs, step=0)
    lines.update(1, 0.3142, 0.03, 10)
    lines.end_epoch(RECORD)
    lines.note("a note")
    lines.close()
    text = stream.getvalue().splitlines()
    assert text[0] == "data: blobs: 100 train, 30 validation, 30 test; classification (made so)"
    rate = next(line for line in text if "learning_rate" in line)
    assert rate.split(maxsplit=3) == ["plan:", "learning_rate", "0.1", "the usual peak (0.1 s)"]
    step = next(line for line in text if line.startswith("step"))
    assert step.startswith("step 01/40 | loss 0.3142 | lr 3.0e-02 | ")
    assert step.split(" | ")[4].endswith("samples/s")
    assert "epoch 003 | train loss 0.5000 | validation loss 0.7500 | validation accuracy 0.5000 | 1.2 s" in text
    assert text[-1] == "note: a note"


def test_findings_are_shown_in_the_words_of_the_reader(explained_plan, blobs):
    finding = Finding("no-label", "train", 1, Action.REPORTED, "choose one with label=")
    dataset, stream = replace(blobs, findings=Findings((finding,))), io.StringIO()
    LineProgress(stream, rewrite=lambda text: text.replace("label=", "--label")).start(explained_plan, dataset, step=0)
    BarProgress(Console(file=stream, width=120), rewrite=str.upper).start(explained_plan, dataset, step=0)
    make_progress(stream).start(explained_plan, dataset, step=0)
    found = [line.strip() for line in stream.getvalue().splitlines() if "found:" in line]
    assert found == [
        f"found: {words} (1 in train, reported)"
        for words in ("choose one with --label", "CHOOSE ONE WITH LABEL=", "choose one with label=")
    ]


def test_steps_are_printed_at_intervals(explained_plan, blobs):
    stream = io.StringIO()
    lines = LineProgress(stream, interval_s=1000)
    lines.start(explained_plan, blobs, step=0)
    for step in range(1, 30):
        lines.update(step, 1.0, 0.1, 10)
    assert stream.getvalue().count("step ") == 1


def test_a_bar_shows_the_plan_epochs_and_notes(explained_plan, blobs):
    stream = io.StringIO()
    bar = BarProgress(Console(file=stream, force_terminal=True, width=120))
    bar.start(explained_plan, blobs, step=5)
    bar.update(6, 0.5, 0.1, 10)
    bar.end_epoch(RECORD)
    bar.note("out of memory")
    bar.close()
    text = stream.getvalue()
    for expected in ("learning_rate", "the usual peak", "epoch 003", "note: out of memory", "train"):
        assert expected in text


def test_silent_progress_takes_every_call(explained_plan, blobs):
    silent = SilentProgress()
    silent.start(explained_plan, blobs, step=0)
    silent.update(1, 1.0, 0.1, 1)
    silent.end_epoch(RECORD)
    silent.note("x")
    silent.close()


def test_a_terminal_gets_a_bar_and_a_file_gets_lines():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert isinstance(make_progress(Terminal()), BarProgress)
    assert isinstance(make_progress(io.StringIO()), LineProgress)


def test_names_out_of_data_have_no_effect_on_a_terminal(explained_plan, blobs):
    """File names and labels come from archives of others: neither a terminal nor the markup of the bar reads them."""
    message = "broken: [red]cat[/red]\x1b[2K\x9b1A\u202egpj.exe\nepoch 099 | perfect"
    dataset, reason = replace(blobs, findings=Findings((Finding("x", "train", 1, Action.REPORTED, message),))), "a\x1bb"
    plan = replace(explained_plan, reasons=(("learning_rate", Reason(reason)),))
    for make in (LineProgress, lambda stream: BarProgress(Console(file=stream, width=400))):
        stream = io.StringIO()
        progress = make(stream)
        progress.start(plan, dataset, step=0)
        progress.note(message)
        progress.close()
        shown = stream.getvalue()
        assert "[red]cat[/red]" + r"\x1b[2K\x9b1A\u202egpj.exe\nepoch 099" in shown
        assert r"a\x1bb" in shown
        assert all(line.isprintable() for line in shown.splitlines())
