"""``tune`` on scikit-learn's digits: trial 0 is ``fit``, trials resume to the bit, a failure costs one trial."""

import json
import os
import signal
import time

import pytest
import torch
from digits_runs import digit_splits, train
from digits_searches import SPACE, search
from torch import nn

from naiad.errors import NetworkError, OptionError, TrainingError
from naiad.trainer.tuning.search_settings import Ending
from naiad.trainer.tuning.trial import TrialState


@pytest.fixture(scope="module")
def digits():
    return digit_splits()


class Small(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, 10))

    def forward(self, x):
        return self.layers(x)


def test_trial_0_is_the_run_that_fit_would_make(digits):
    tuned = search(digits, trials=1)
    model = train(digits, epochs=4)
    assert tuned.chosen.number == 0
    assert tuned.model.plan == model.plan
    weights = zip(tuned.model.program.state_dict().values(), model.program.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)
    assert tuned.model.evaluations == model.evaluations
    assert tuned.base.objective == model.history[-1].validation["accuracy"]


def test_a_search_in_memory(digits):
    tuned = search(digits, trials=9)
    assert len(tuned.own_trials) == 9
    assert tuned.path is None
    assert set(tuned.model.evaluations) == {"validation", "test"}
    assert tuned.ending is Ending.TRIALS
    assert tuned.trained_twice == 0
    assert {trial.state for trial in tuned.own_trials} <= {TrialState.COMPLETE, TrialState.PAUSED}
    assert [row["trial"] for row in tuned.table()] == [trial.number for trial in tuned.trials]
    assert tuned.history[0][1] <= tuned.history[-1][1]
    json.dumps(tuned.to_json())


def test_a_trial_that_was_paused_equals_one_that_was_not(digits, tmp_path):
    paused = search(digits, trials=7, out=tmp_path / "paused")
    promoted = next(one for one in paused.own_trials if one.paused_at and one.state is TrialState.COMPLETE)
    restarts = ",".join(map(str, paused.rungs))
    own = {name: [value] for name, value in promoted.values.items()}
    whole = search(digits, space=own, trials=2, halving=False, plan={"restarts": restarts}, out=tmp_path / "whole")
    other = whole.own_trials[1]
    assert other.curve == promoted.curve
    stored = [
        max((tmp_path / name / "trials" / f"{number:04d}" / "checkpoints").glob("step-*/tensors.safetensors"))
        for name, number in (("paused", promoted.number), ("whole", other.number))
    ]
    assert stored[0].read_bytes() == stored[1].read_bytes()


def test_the_users_module_stays_as_it_was(digits):
    net = Small()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    search(digits, net, {"activation": "relu,gelu", "dropout": "0:0.5"}, trials=3)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert isinstance(net.layers[1], nn.ReLU)


def test_a_classs_own_parameters_are_searched(digits):
    tuned = search(digits, Small, {"width": "int:4:32"})
    assert {trial.values["width"] for trial in tuned.own_trials} > {16}


def test_a_parameter_without_a_default_begins_in_the_middle_of_its_range(digits):
    tuned = search(
        digits, lambda width, bias: nn.Linear(64, 10, bias=bias), {"width": "int:4:12", "bias": [False, True]}, trials=1
    )
    assert tuned.base.values == {"width": 8, "bias": "False"}


def test_the_default_space_has_what_the_network_has(digits):
    tuned = search(digits, space=None, trials=3)
    names = set(tuned.space.names)
    assert {"learning_rate_factor", "batch_size", "optimizer", "schedule", "label_smoothing"} <= names
    assert {"activation", "dropout", "width", "depth"} <= names
    assert "augment" not in names  # no images
    assert tuned.base.values["learning_rate_factor"] == 1.0


def test_a_result_that_is_not_better_is_trial_0(digits):
    tuned = search(digits, space={"lr": "log:1e-7:1e-6"}, trials=4)
    assert tuned.chosen.number == 0
    assert not tuned.verdict.is_better
    assert "no trial was better" in tuned.verdict.text


def test_a_result_that_is_better_was_trained_again_with_fresh_seeds(digits):
    slow = {"optimizer": "sgd", "momentum": 0.1, "learning_rate": "rule"}
    space = {"learning_rate_factor": "log:1.0:30.0"}
    tuned = search(digits, space=space, plan=slow, epochs=3, trials=8, halving=False, metric="loss")
    repeated = [trial for trial in tuned.trials if trial.repeat_of is not None]
    assert tuned.verdict.is_better
    assert {trial.seed for trial in repeated} == {1, 2}
    assert {trial.repeat_of for trial in repeated} == {0, tuned.chosen.number}
    assert tuned.chosen.objective == min(one.objective for one in tuned.own_trials if one.objective is not None)


def test_trials_that_fail_are_recorded(digits):
    tuned = search(digits, space={"batch_size": "int:32:64", "microbatch_size": "int:8:128"}, trials=6)
    failed = [trial for trial in tuned.own_trials if trial.state is TrialState.FAILED]
    assert failed
    assert all("microbatch_size" in trial.reason for trial in failed)
    assert tuned.chosen.objective > 0.5


def test_workers_share_the_data_and_take_a_core_each(digits, tmp_path):
    tuned = search(digits, trials=8, parallel=2, out=tmp_path / "study")
    assert tuned.parallel == 2
    assert tuned.base.plan["epochs"] == 4
    assert tuned.model.plan.threads == 1
    assert tuned.trained_twice == 0
    assert len(tuned.own_trials) == 8
    one_by_one = search(digits, trials=1, plan={"threads": 1})
    assert one_by_one.base.curve == tuned.base.curve


def test_a_worker_that_is_killed_fails_its_trial_alone(digits):
    class Dies(Small):
        def __init__(self, width: int = 16) -> None:
            super().__init__(width)
            self.width = width

        def forward(self, x):
            if self.width == 13 and self.training and len(x) > 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().forward(x)

    tuned = search(digits, Dies, {"width": "13,16,20"}, search="grid", trials=4, parallel=2)
    failed = [trial for trial in tuned.own_trials if trial.state is TrialState.FAILED]
    assert [trial.values["width"] for trial in failed] == ["13"]
    assert "was killed" in failed[0].reason
    assert len(tuned.own_trials) == 3  # trial 0 has the width 16
    assert tuned.ending is Ending.EXHAUSTED


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"space": {"learning_rte": "0:1.0"}}, OptionError, "neither a choice of the plan"),
        ({"space": {}}, OptionError, "the space is empty"),
        ({"space": {"epochs": "int:1:3"}}, OptionError, "kept as 4 and is in the space"),
        ({"trials": 0}, OptionError, "trials must be a whole number"),
        ({"metric": "r2"}, OptionError, "a classification has no metric 'r2'"),
        ({"search": "magic"}, OptionError, "'magic' is not known"),
        ({"constraints": ["a < b"]}, OptionError, "names a, which the space has not"),
        ({"constraints": [5]}, OptionError, "a constraint is a text, given 5"),
        ({"constraints": ["lr > 3"]}, OptionError, "meets the constraints 'lr > 3'"),
        ({"space": {"activation": "relu,gelo"}}, OptionError, "'gelo' is not known"),
        ({"space": {"dropout": "0.5:1.5"}}, OptionError, "dropout must be"),
        ({"net": nn.Linear(64, 10), "space": {"activation": "relu,gelu"}}, NetworkError, "has no activation modules"),
        ({"net": nn.Linear(64, 10), "space": {"dropout": "0:0.5"}}, NetworkError, "has no dropout modules"),
        ({"net": "mpl"}, NetworkError, "did you mean 'mlp'"),
        ({"parallel": 2, "plan": {"threads": 2}}, OptionError, "only one trial at a time"),
        ({"until_gain": -1}, OptionError, "until_gain must be more than 0"),
        ({"resume": True}, OptionError, "resume needs the folder"),
        ({"time_limit_s": -5}, OptionError, "time_limit_s"),
        ({"time_limit_s": 0.01}, OptionError, "time_limit_s is 0.01, but reading, testing"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(digits, options, error, message, tmp_path):
    out = {} if "resume" in options else {"out": tmp_path / "study"}
    with pytest.raises(error, match=message):
        search(digits, options.pop("net", "mlp"), options.pop("space", SPACE), **out, **options)
    assert not (tmp_path / "study").exists()


def test_a_network_that_fit_cannot_train_is_told(digits):
    class Broken(Small):
        def forward(self, x):
            return super().forward(x) * float("nan")

    with pytest.raises((NetworkError, TrainingError)):
        search(digits, Broken(), {"lr": "log:1e-3:0.1"})


def test_what_was_learnt_is_proposed_the_next_time(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    space = {"learning_rate_factor": "log:1.0:30.0"}
    options = {
        "plan": {"optimizer": "sgd", "momentum": 0.1},
        "epochs": 3,
        "metric": "loss",
        "halving": False,
        "memory": True,
    }
    first = search(digits, space=space, trials=8, **options)
    assert first.verdict.is_better
    second = search(digits, space=space, trials=2, **options)
    assert second.own_trials[1].values == first.chosen.values
    third = search(digits, space=space, trials=2, **{**options, "memory": False})
    assert third.own_trials[1].values != first.chosen.values


@pytest.mark.slow
def test_a_time_limit_is_kept(digits, tmp_path):
    started = time.perf_counter()
    tuned = search(digits, trials=None, time_limit_s=60, epochs=None, report=True, out=tmp_path / "study")
    assert time.perf_counter() - started <= 60 * 1.03
    assert tuned.ending is Ending.TIME
    assert (tmp_path / "study" / "report.html").is_file()
