import io
import json
import logging
import math
import sys

import pytest

from naiad.cli.output import (
    LogFormatter,
    escape_unknown_letters,
    print_cells,
    print_error,
    print_field,
    print_json,
    print_line,
    print_table,
    print_text,
)


def test_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"loss": math.nan, "steps": (1, 2), "best": [math.inf, 0.5], "name": "Größe"})
    text = capsys.readouterr().out
    assert json.loads(text) == {"loss": None, "steps": [1, 2], "best": [None, 0.5], "name": "Größe"}
    assert "Größe" in text


def test_tables_show_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "count"], [["[red]cats[/red]", "12"]])
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["name", "count"]
    assert out.splitlines()[1].split() == ["[red]cats[/red]", "12"]
    assert "\x1b" not in out


def test_errors_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("error: no", hint="try yes")
    assert capsys.readouterr() == ("", "error: no\n\nhint: try yes\n")


def text_stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)


def test_lines_and_tables_are_escaped_on_a_terminal_that_lacks_the_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = text_stream("ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    escape_unknown_letters()
    print_line("süß")
    print_table(["größe"], [["caf\udce9"]])
    text = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]  # reason: a BytesIO
    assert text.startswith("s\\xfc\\xdf\n")
    assert "caf\\udce9" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_can_be_read_back_whatever_the_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    stream, values = text_stream(encoding), {"name": "süß – €", "file": "caf\udce9"}
    monkeypatch.setattr(sys, "stdout", stream)
    print_json(values)
    assert json.loads(stream.buffer.getvalue().decode(encoding)) == values  # type: ignore[attr-defined]  # reason: as above


HOSTILE = "a\x1b[2J\x9b1m\u202eb\rc\nstatus    Completed\td"


def test_nothing_that_is_printed_moves_the_cursor_or_makes_another_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(HOSTILE)
    print_cells([HOSTILE, "x"])
    print_table([HOSTILE], [[HOSTILE]])
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) == 4
    assert shown.splitlines()[1].count("\t") == 1
    for line in shown.splitlines():
        assert line.replace("\t", "").isprintable()
        assert line.startswith(r"a\x1b[2J\x9b1m\u202eb\rc\nstatus")


def test_further_lines_of_a_field_and_of_an_error_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    print_field("failed", "ValueError\nstatus    Completed\x1b[A")
    print_error("error: no\n\nhint: rm -rf ~\n", hint="try yes\nerror: x")
    captured = capsys.readouterr()
    assert captured.out == "failed    ValueError\n          status    Completed\\x1b[A\n"
    assert captured.err == "error: no\n  \n  hint: rm -rf ~\n\nhint: try yes\n      error: x\n"


def test_texts_of_several_lines_keep_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_text("one\r\ntwo\x07")
    assert capsys.readouterr().out == "one\ntwo\\x07\n"


def test_json_is_safe_to_show_and_holds_the_same_values(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": HOSTILE})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"name": HOSTILE}
    assert shown.replace("\n", "").isprintable()


def test_a_message_in_a_log_is_one_line() -> None:
    formatter = LogFormatter("%(levelname)s %(message)s")
    error = ValueError("\x1b[A")
    record = logging.LogRecord("n", logging.INFO, "p", 1, "%s", (HOSTILE,), (ValueError, error, None))
    first, *trace = formatter.format(record).splitlines()
    assert first.startswith(r"INFO a\x1b[2J")
    assert first.endswith("Completed\td")
    assert trace[-1] == r"ValueError: \x1b[A"
