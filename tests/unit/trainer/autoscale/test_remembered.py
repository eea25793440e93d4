"""What is kept for the next run."""

import pytest
from torch import nn

from naiad.trainer.autoscale.remembered import Remembered, cache_folder
from naiad.trainer.plan import Reason, Trial


def test_the_same_question_has_the_same_place(blobs, tmp_path):
    first = Remembered.of(nn.Linear(5, 3), blobs, {"epochs": 3}, folder=tmp_path)
    assert first == Remembered.of(nn.Linear(5, 3), blobs, {"epochs": 3}, folder=tmp_path)
    others = [
        Remembered.of(nn.Linear(5, 3, bias=False), blobs, {"epochs": 3}, folder=tmp_path),
        Remembered.of(nn.Linear(5, 3), blobs, {"epochs": 4}, folder=tmp_path),
        Remembered.of(nn.Sequential(nn.Linear(5, 3)), blobs, {"epochs": 3}, folder=tmp_path),
    ]
    assert first not in others


def test_choices_come_back_with_their_reasons(tmp_path, plan):
    reason = Reason("faster", "3 ms", (Trial("1", "3 ms"), Trial("2", "4 ms")))
    learnt = plan().taking("threads", 7, reason).taking("augment", ("flip",), Reason("kept"))
    remembered = Remembered(tmp_path / "deep" / "one.json")
    remembered.keep_choices(learnt, ("threads", "augment", "compile"))
    recalled = remembered.recall(plan(), ("threads", "augment", "compile"))
    assert (recalled.threads, recalled.augment) == (7, ("flip",))
    assert dict(recalled.reasons)["threads"] == Reason("remembered: faster", "3 ms", reason.tried)


def test_times_and_choices_do_not_overwrite_each_other(tmp_path, plan):
    remembered = Remembered(tmp_path / "one.json")
    remembered.keep_ending("saved", 2.5, steps=100, score=None)
    remembered.keep_choices(plan().taking("threads", 7, Reason("")), ("threads",))
    remembered.keep_ending("kept", 0.5, steps=100, score=None)
    assert (remembered.finishing_s("saved"), remembered.finishing_s("kept")) == (2.5, 0.5)
    assert remembered.recall(plan(), ("threads",)).threads == 7


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"choices": 3}', '{"choices": {"threads": {}}}', '{"finishing_s": {"saved": "long"}}']
)
def test_a_damaged_file_is_as_none(tmp_path, plan, text):
    (tmp_path / "one.json").write_text(text)
    remembered = Remembered(tmp_path / "one.json")
    assert remembered.recall(plan(), ("threads",)) is None
    assert remembered.finishing_s("saved") is None
    remembered.keep_ending("saved", 1.0, steps=100, score=None)
    assert remembered.finishing_s("saved") == 1.0


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
    for steps in range(12):
        remembered.keep_ending("saved", 1.0, steps=steps, score=steps / 100)
    assert remembered.outcomes() == [(steps, steps / 100) for steps in range(2, 12)]
    remembered.path.write_text('{"outcomes": [1]}')
    assert remembered.outcomes() == []
