"""What is kept for the next run."""

import pytest
from torch import nn

from naiad.trainer.artifact import manifest
from naiad.trainer.autoscale import choose_plan
from naiad.trainer.autoscale.measurement_cache import Recalled, Remembered, cache_folder
from naiad.trainer.plan.reason import Measurement, Reason

LEARNT = ("threads", "augment", "compile")


def test_each_question_has_its_place(blobs, tmp_path):
    first = Remembered.of(nn.Linear(5, 3), blobs, {"epochs": 3}, folder=tmp_path)
    assert first == Remembered.of(nn.Linear(5, 3), blobs, {"epochs": 3}, folder=tmp_path)
    assert first != Remembered.of(nn.Linear(5, 3), blobs, {"epochs": 4}, folder=tmp_path)
    assert first.path.parent == tmp_path


def test_choices_come_back_with_their_reasons(tmp_path, plan):
    reason = Reason("faster", "3 ms", (Measurement("1", "3 ms"), Measurement("2", "4 ms")))
    learnt = plan().with_choice("threads", 7, reason).with_choice("augment", ("flip",), Reason("kept"))
    remembered = Remembered(tmp_path / "deep" / "one.json")
    remembered.keep_choices(learnt, LEARNT)
    recalled = remembered.recall(plan(), LEARNT)
    assert (recalled.plan.threads, recalled.plan.augment) == (7, ("flip",))
    assert dict(recalled.plan.reasons)["threads"] == Reason("remembered: faster", "3 ms", reason.measurements)
    assert recalled.taken == recalled.answered == {"threads", "augment"}


def test_whatever_may_be_learnt_is_recalled(tmp_path, plan):
    learnt = plan()
    for name in choose_plan.LEARNT:
        learnt = learnt.with_choice(name, getattr(learnt, name), Reason("measured"))
    remembered = Remembered(tmp_path / "one.json")
    remembered.keep_choices(learnt, choose_plan.LEARNT)
    assert remembered.recall(plan(), choose_plan.LEARNT).taken == frozenset(choose_plan.LEARNT)


def test_what_is_learnt_later_is_added(tmp_path, plan):
    remembered = Remembered(tmp_path / "one.json")
    remembered.keep_choices(plan().with_choice("threads", 7, Reason("")), ("threads",), answered=("threads", "compile"))
    remembered.keep_choices(plan().with_choice("batch_size", 32, Reason("")), ("batch_size",), answered=("batch_size",))
    recalled = remembered.recall(plan(), ("threads", "batch_size", "compile", "precision"))
    assert (recalled.plan.threads, recalled.plan.batch_size) == (7, 32)
    assert recalled.taken == {"threads", "batch_size"}
    assert recalled.answered == {"threads", "batch_size", "compile"}, "not precision: it is still to be measured"


def test_times_and_choices_do_not_overwrite_each_other(tmp_path, plan):
    remembered = Remembered(tmp_path / "one.json")
    remembered.keep_ending("saved", 2.5, steps=100, score=None)
    remembered.keep_choices(plan().with_choice("threads", 7, Reason("")), ("threads",))
    remembered.keep_ending("kept", 0.5, steps=100, score=None)
    assert (remembered.finishing_s("saved"), remembered.finishing_s("kept")) == (2.5, 0.5)
    assert remembered.recall(plan(), ("threads",)).plan.threads == 7


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"choices": 3}', '{"choices": {"threads": {}}}', '{"finishing_s": {"saved": "long"}}']
)
def test_what_naiad_did_not_write_is_as_none(tmp_path, plan, text):
    (tmp_path / "one.json").write_text(text)
    remembered = Remembered(tmp_path / "one.json")
    assert remembered.recall(plan(), ("threads",)) == Recalled(plan())
    assert (remembered.finishing_s("saved"), remembered.outcomes()) == (None, [])
    remembered.keep_ending("saved", 1.0, steps=100, score=None)
    assert remembered.finishing_s("saved") == 1.0


@pytest.mark.parametrize(
    ("written", "damaged"),
    [('"value": 64', '"value": 65'), ('"value": 64', '"value": 0'), ("0.875", "0.876"), ("faster", "slower")],
)
def test_a_file_of_which_anything_changed_is_as_none(tmp_path, plan, written, damaged):
    remembered = Remembered(tmp_path / "one.json")
    remembered.keep_choices(plan().with_choice("batch_size", 64, Reason("faster")), ("batch_size",))
    remembered.keep_ending("saved", 1.5, steps=100, score=0.875)
    text = remembered.path.read_text()
    assert remembered.recall(plan(), ("batch_size",)).plan.batch_size == 64
    assert remembered.outcomes() == [(100, 0.875)]
    remembered.path.write_text(text.replace(written, damaged))
    assert remembered.path.read_text() != text
    assert remembered.recall(plan(), ("batch_size",)) == Recalled(plan())
    assert (remembered.finishing_s("saved"), remembered.outcomes()) == (None, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0), ("batch_size", "64"), ("batch_size", "rule"), ("augment", 5), ("augment", ["blur"]),
        ("precision", "fp64"), ("threads", None), ("learning_rate", float("nan")), ("learning_rates", 0.1),
    ],
)  # fmt: skip
def test_a_value_that_no_user_could_set_is_not_recalled(tmp_path, plan, name, value):
    """As another version might have written it."""
    remembered = Remembered(tmp_path / "one.json")
    why = {"text": "faster", "measured": None, "measurements": []}
    choices = {"threads": {"value": 7, "reason": why}, name: {"value": value, "reason": why}}
    remembered.path.write_bytes(manifest.seal({"choices": choices, "answered": ["threads", name]}))
    assert remembered.recall(plan(), ("threads", name)) == Recalled(plan())


def test_a_folder_that_cannot_be_written_is_no_matter(tmp_path):
    (tmp_path / "file").write_text("")
    remembered = Remembered(tmp_path / "file" / "one.json")
    remembered.keep_ending("saved", 1.0, steps=100, score=None)
    assert remembered.finishing_s("saved") is None


def test_it_lies_where_the_user_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "naiad" / "autoscale"


def test_outcomes_are_the_last_ten(tmp_path):
    remembered = Remembered(tmp_path / "one.json")
    for steps in range(1, 13):
        remembered.keep_ending("saved", 1.0, steps=steps, score=steps / 100)
    assert remembered.outcomes() == [(steps, steps / 100) for steps in range(3, 13)]


@pytest.mark.parametrize(("steps", "score"), [(0, 0.5), (100, float("nan")), (100, float("-inf")), (100, None)])
def test_an_outcome_that_says_nothing_is_not_kept(tmp_path, steps, score):
    remembered = Remembered(tmp_path / "one.json")
    remembered.keep_ending("saved", 1.0, steps=steps, score=score)
    assert remembered.outcomes() == []
    assert remembered.finishing_s("saved") == 1.0
