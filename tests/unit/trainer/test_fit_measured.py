"""``fit`` that measures its choices or has a time limit: both leave a plan that gives the same weights again."""

import time

import numpy as np
import pytest
import torch
from torch import nn

from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.plan.plan import CHOICES


def train(data, net, **options):
    return fit(net, data, **{"report": False, "progress": SilentProgress(), **options})


def same(one, other):
    weights = (model.program.state_dict() for model in (one, other))
    return all(torch.equal(a, b) for a, b in zip(*(state.values() for state in weights), strict=True))


@pytest.fixture(scope="module")
def many():
    """Data of two hundred batches of 64: long enough to be measured."""
    generator = np.random.default_rng(0)
    labels = np.arange(12_800) % 4
    inputs = generator.normal(size=(12_800, 1, 8, 8)) * 40 + 100
    inputs[np.arange(12_800), 0, labels * 2] += 60
    split = (inputs.clip(0, 255).astype(np.uint8), labels)
    return {"train": split, "validation": (split[0][:256], split[1][:256])}


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(144, 32), nn.Linear(32, 4)
    )  # fmt: skip


def test_measured_and_given_choices_give_the_same_bits(many):
    measured = train(many, small_net(), epochs=8, seed=3, plan={"measure_fraction": 0.5, "optimizer": "adamw"})
    reasons = dict(measured.plan.reasons)
    assert any(reason.measurements for reason in reasons.values()), "a run of this length is measured"
    names = ["optimizer", *(name for name, choice in CHOICES.items() if choice.is_measured)]
    choices = {name: getattr(measured.plan, name) for name in names}
    assert same(measured, train(many, small_net(), epochs=8, seed=3, plan={**choices, "measure_fraction": 0}))


def test_a_time_limit_is_kept(many):
    started = time.perf_counter()
    model = train(many, small_net(), time_limit_s=4)
    assert time.perf_counter() - started == pytest.approx(4, abs=0.5)
    assert model.plan.time_limit_s == 4
    assert dict(model.plan.reasons)["total_steps"].measured.endswith("ms a step")
    last = model.history[-1]
    assert last.learning_rate < 0.1 * model.plan.learning_rate, "the schedule has come to its end too"


def test_a_choice_that_the_user_sets_to_rule_is_not_measured(many):
    names = ("batch_size", "learning_rate", "threads")
    plan = train(
        many,
        small_net(),
        epochs=8,
        plan={"optimizer": "adamw", "measure_fraction": 0.5, **dict.fromkeys(names, "rule")},
    ).plan
    reasons = dict(plan.reasons)
    assert not any(reasons[name].measurements or reasons[name].text == "set by the user" for name in names)
    assert reasons["memory_format"].measurements


@pytest.mark.usefixtures("no_export")
def test_a_plan_of_a_timed_run_is_replayed_bit_for_bit(many, tmp_path):
    first = train(many, small_net(), time_limit_s=2, seed=5, out=tmp_path / "run")
    again = train(many, small_net(), plan=tmp_path / "run")
    assert same(first, again)
    assert again.plan.seed == 5
    assert again.history[-1].step == first.history[-1].step
    assert same(first, train(many, small_net(), plan=first.plan))
