"""A search on scikit-learn's digits that is resumed: with more trials, after kills, and not with another one's arguments."""

import json
import os
import subprocess
import sys
import textwrap
import time

import pytest
from digits_runs import digit_splits
from digits_searches import search
from torch import nn

from naiad.errors import DataError, FolderInUse, OptionError
from naiad.trainer.load import load
from naiad.trainer.tuning.trial import TrialState


@pytest.fixture(scope="module")
def digits():
    return digit_splits()


def test_a_study_is_resumed_with_more_trials(digits, tmp_path):
    first = search(digits, trials=4, out=tmp_path / "study")
    second = search(digits, trials=7, out=tmp_path / "study", resume=True)
    assert len(second.own_trials) == 7
    assert [one.values for one in second.own_trials[:4]] == [one.values for one in first.own_trials]
    assert second.trained_twice == 0
    assert load(tmp_path / "study" / "model").evaluations == second.model.evaluations
    with pytest.raises(FolderInUse, match="holds a search already"):
        search(digits, out=tmp_path / "study")
    with pytest.raises(OptionError, match="seed differs"):
        search(digits, trials=7, out=tmp_path / "study", resume=True, seed=1)
    with pytest.raises(OptionError, match="space differs"):
        search(digits, trials=7, out=tmp_path / "study", resume=True, space={"lr": "log:1e-3:0.1"})
    with pytest.raises(OptionError, match="halving, by its rungs, differs"):
        search(digits, trials=7, out=tmp_path / "study", resume=True, halving=False)
    X, y = digits["train"]
    with pytest.raises(DataError, match="training data differs"):
        search({"train": (X[:300], y[:300])}, trials=7, out=tmp_path / "study", resume=True)


def test_a_trial_that_the_journal_has_lost_is_begun_anew(digits, tmp_path):
    """A loss of power leaves its folder, whose plan is not that of its new values."""
    first = search(digits, trials=3, out=tmp_path / "study", halving=False, space={"lr": "log:1e-4:0.1"})
    journal = tmp_path / "study" / "trials.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if json.loads(line)["number"] < 2))
    options = {"trials": 3, "halving": False, "space": {"lr": "log:1e-4:0.1"}, "search": "qmc"}
    second = search(digits, out=tmp_path / "study", resume=True, **options)
    again = second.own_trials[2]
    assert again.values != first.own_trials[2].values
    assert again.plan["learning_rate"] == again.values["lr"]


def test_python_objects_are_given_again(digits, tmp_path):
    class Own(nn.Sequential):
        def __init__(self, act=nn.ReLU, hidden=(16,)) -> None:
            super().__init__(nn.Linear(64, hidden[0]), act(), nn.Linear(hidden[0], 10))

    space = {"act": [nn.ReLU, nn.GELU], "hidden": [(16,), (8,)]}
    first = search(digits, Own, space, trials=2, epochs=1, out=tmp_path / "study")
    assert first.base.values == {"act": "ReLU", "hidden": "16"}
    with pytest.raises(OptionError, match="the values of act, hidden are Python objects"):
        search(digits, Own, None, trials=3, epochs=1, out=tmp_path / "study", resume=True)
    again = search(digits, Own, space, trials=3, epochs=1, out=tmp_path / "study", resume=True)
    assert {trial.state for trial in again.own_trials} == {TrialState.COMPLETE}


KILLED = """
    import sys
    from digits_runs import digit_splits
    from naiad.trainer.tune import tune
    from naiad.trainer.tuning.watcher import SilentWatcher

    tuned = tune("mlp", digit_splits(), {{"lr": "log:1e-4:0.1"}}, trials=12, epochs=9, report=False, memory=False,
                 watcher=SilentWatcher(), parallel=2, out=sys.argv[1], resume=True)
    print(len(tuned.own_trials), tuned.trained_twice)
"""


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on(tmp_path):
    """kill -9 of the searching process; its workers end with it."""
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(KILLED.replace("{{", "{").replace("}}", "}")),
        str(tmp_path / "study"),
    ]
    journal, numbers = tmp_path / "study" / "trials.jsonl", set()
    for kill in range(4):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **paths})
        until = time.monotonic() + 120
        lines = len(journal.read_text().splitlines()) if journal.exists() else 0
        while kill < 3 and process.poll() is None and time.monotonic() < until:
            if journal.exists() and len(journal.read_text().splitlines()) > lines + 6:
                process.kill()
                break
            time.sleep(0.01)
        out, _ = process.communicate(timeout=120)
        kept = [json.loads(line) for line in journal.read_text().splitlines() if line.endswith("}")]
        ended = {one["number"] for one in kept if one["state"] == "complete" and one["repeat_of"] is None}
        assert numbers <= ended
        numbers = ended
        if out:
            break
    trials, trained_twice = map(int, out.split())
    assert trials == 12
    again = [one["number"] for one in kept if one["state"] == "complete"]
    assert len(again) == len(set(again))
    assert trained_twice <= 3 * 2 * 9
