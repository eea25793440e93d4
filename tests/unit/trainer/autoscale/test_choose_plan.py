"""The choice of a plan, within its fraction of the run's time."""

import threading
import time
from dataclasses import replace

import pytest
import torch

from naiad.trainer.autoscale import batch_size, measure, memory
from naiad.trainer.autoscale.choose_plan import LEAST_STEPS, QUICK_STEPS, choose_plan
from naiad.trainer.autoscale.measurement_cache import MeasurementCache
from naiad.trainer.autoscale.plan_search import PlanSearch
from naiad.trainer.autoscale.time_limit import Finalization
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.plan.plan import CHOICES
from naiad.trainer.plan.reason import Reason

BY_LENGTH = [name for name, choice in CHOICES.items() if choice.follows_length]
REASONS = tuple((name, Reason("a rule")) for name in ("epochs", "total_steps", *BY_LENGTH))
NOTHING_AFTER = Finalization(0, 0, saves=False)


@pytest.fixture
def replace_choices(monkeypatch):
    """A function that replaces the choices that are measured, by name; the others are not measured at all."""

    def use(functions):
        for table in ("STEP_CHOICES", "RUN_CHOICES"):
            names = getattr(measure, table)
            monkeypatch.setattr(measure, table, {name: functions[name] for name in names if name in functions})
        monkeypatch.setattr(measure, "CHOICES", tuple(functions))

    return use


@pytest.fixture
def measured_names(replace_choices):
    """The names of the choices that were to be measured, in order; nothing is measured for them."""
    names = []

    def note(name):
        def choose(timed, _):
            names.append(name)
            return timed

        return choose

    replace_choices({name: note(name) for name in measure.CHOICES})
    return names


@pytest.fixture
def choose(tmp_path):
    """A function that chooses a plan, and returns it with the seconds of its step."""

    def run(plan, probe, *, unmeasured=(), ends_at=None, rules=None, optimizers=()):
        def default_rules(steps, fixed):
            return replace(plan, total_steps=steps, **fixed)

        search = PlanSearch(
            probe,
            rules if rules is not None else default_rules,
            unmeasured=frozenset(unmeasured),
            ends_at=ends_at,
            finalization=NOTHING_AFTER,
            cache=MeasurementCache(tmp_path / "cache" / "one.json"),
            optimizers=optimizers,
        )
        return choose_plan(search, plan)

    return run


def spent(plan):
    """The seconds of measuring that the plan shows."""
    return float(plan.reason("measure_fraction").measured.split()[0])


def test_a_short_run_is_not_measured(choose, scripted, plan, measured_names):
    probe = scripted(lambda _: 0.01)
    assert choose(plan(total_steps=QUICK_STEPS - 1), probe).step_s is None
    assert (probe.timed, measured_names) == ([], [])


def test_a_shorter_run_measures_what_a_few_steps_decide(choose, scripted, plan, measured_names):
    probe = scripted(lambda _: 0.01)
    for steps in (QUICK_STEPS - 1, QUICK_STEPS, LEAST_STEPS - 1):
        choose(plan(total_steps=steps, epochs=steps), probe, optimizers=("muon", "sgd"))
    assert measured_names == list(measure.QUICK_CHOICES)  # the third run has the second one's answer from the cache


def test_a_long_run_measures_every_choice_but_the_users(choose, scripted, plan, measured_names):
    users = ("precision", "threads")
    chosen = choose(plan(total_steps=10_000), scripted(lambda _: 0.01), unmeasured=users, optimizers=("muon", "sgd"))
    assert chosen.step_s == 0.01
    assert measured_names == [name for name in measure.CHOICES if name not in ("precision", "threads")]


def test_measuring_can_be_switched_off(choose, scripted, plan, measured_names):
    probe = scripted(lambda _: 0.01)
    assert choose(plan(total_steps=10_000, measure_fraction=0.0), probe).step_s is None
    assert (probe.timed, measured_names) == ([], [])


class Clock:
    """Advances at each forward pass by so many seconds for a batch of ten."""

    def __init__(self, probe, step_s):
        self.now, self.passes = 0.0, 0
        self.probe = replace(probe, loss=self.loss, clock=self)
        self._loss, self._step_s = probe.loss, step_s

    def __call__(self):
        return self.now

    def loss(self, net, inputs, targets):
        self.passes += 1
        self.now += self._step_s * len(inputs) / 10
        return self._loss(net, inputs, targets)


@pytest.mark.parametrize(("steps", "passes"), [(100, 1), (600, 30), (2_000, 100), (20_000, 1_000)])
def test_the_budget_is_a_fraction_of_the_steps(choose, probe, plan, steps, passes):
    clock = Clock(probe, 0.01)
    chosen = choose(plan(total_steps=steps, epochs=steps // 10), clock.probe)
    assert clock.passes <= passes
    assert clock.now <= 0.05 * steps * 0.01
    if steps >= LEAST_STEPS:
        assert spent(chosen.plan) == pytest.approx(clock.now, rel=0.06), "all of it was counted"


@pytest.mark.parametrize(
    ("limit_s", "step_s", "fraction"),
    [(1.0, 0.2, 0.27), (0.5, 0.05, 0.24), (5.0, 0.2, 0.10), (5.0, 0.004, 0.05), (2.0, 0.004, 0.05), (0.1, 0.5, 6.0)],
)
def test_a_time_limit_is_for_training(choose, probe, plan, limit_s, step_s, fraction):
    """The schedule needs a step or two that were timed, however short the time is."""
    clock = Clock(probe, step_s)
    chosen = choose(plan(time_limit_s=limit_s, reasons=REASONS), clock.probe, ends_at=limit_s).plan
    assert clock.now <= fraction * limit_s
    assert chosen.total_steps == max(1, int((limit_s - clock.now) / step_s + 1e-6))


def test_memory_is_probed_before_anything_is_timed(choose, probe, plan, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda _: 1_000)
    for steps in (40, 2_000):
        clock, sizes = Clock(probe, 0.01), []

        def watched(net, inputs, targets, clock=clock, sizes=sizes):
            sizes.append(len(inputs))
            return clock.loss(net, inputs, targets)

        chosen = choose(plan(total_steps=steps, epochs=steps // 10), replace(clock.probe, loss=watched))
        assert chosen.plan.microbatch_size == 3
        assert set(sizes) <= {2, 3}


@pytest.mark.parametrize(
    ("unmeasured", "expected"), [((), ("muon", 0.2, 0.06)), (("optimizer", "learning_rate"), ("sgd", 0.2, 0.1))]
)
def test_rules_that_depend_on_the_length_are_applied_again(
    choose, scripted, plan, replace_choices, unmeasured, expected
):
    def rules(steps, fixed):
        short = {"optimizer": "muon", "learning_rate": 0.03, "batchnorm_momentum": 0.2} if steps < 1_000 else {}
        return plan(total_steps=steps, reasons=REASONS, **{**short, **fixed})

    def enlarge(timed, _):
        larger = timed.plan.with_choice("batch_size", 40, Reason("measured"))
        return replace(timed, plan=larger.with_choice("total_steps", 690, Reason("")))

    seen = []
    replace_choices({"batch_size": enlarge, "learning_rate": lambda timed, _: seen.append(timed.plan) or timed})
    chosen = choose(rules(2_760, {}), scripted(lambda _: 0.01), rules=rules, unmeasured=unmeasured).plan
    assert (chosen.optimizer, chosen.batchnorm_momentum, chosen.learning_rate) == expected
    assert chosen.reason("batch_size").text == "measured"
    following = [(each.optimizer, each.batchnorm_momentum, each.learning_rate) for each in seen]
    assert all(each == expected for each in following), "before the learning rate is tested"


def test_a_range_test_knows_the_rate_of_a_short_run(choose, scripted, plan, replace_choices):
    def rules(steps, fixed):
        return plan(**{"total_steps": steps, "reasons": REASONS, "learning_rate": 0.3 if steps < 600 else 0.1, **fixed})

    seen = []
    replace_choices({"learning_rate": lambda timed, setup: seen.append(setup.short_run_rate) or timed})
    choose(rules(2_760, {}), scripted(lambda _: 0.01), rules=rules)
    assert seen == [pytest.approx(3.0)]


def test_a_plan_says_what_was_spent_and_what_was_not_measured(choose, probe, plan):
    chosen = choose(plan(total_steps=LEAST_STEPS, epochs=60), Clock(probe, 0.01).probe).plan
    assert chosen.reason("learning_rate").measured == "not measured: no room in the budget"
    assert chosen.reason("measure_fraction").measured.endswith("s of 0.3 s")


def test_a_network_that_cannot_be_copied_is_timed_all_the_same(choose, probe, plan):
    probe.net.lock = threading.Lock()
    before = [value.clone() for value in probe.net.state_dict().values()]
    clock = Clock(probe, 0.01)
    chosen = choose(plan(time_limit_s=100.0, threads=2, reasons=REASONS), clock.probe, ends_at=100.0).plan
    assert chosen.total_steps > 9_000
    assert "cannot be copied" in chosen.reason("threads").measured
    assert all(map(torch.equal, before, probe.net.state_dict().values()))


def test_a_time_limit_becomes_steps(choose, scripted, plan, measured_names):
    before = plan(time_limit_s=100.0, reasons=REASONS)
    chosen = choose(before, scripted(lambda _: 0.01), ends_at=time.perf_counter() + 100, optimizers=("muon", "sgd"))
    assert 9_000 < chosen.plan.total_steps <= 10_000
    assert measured_names == list(measure.CHOICES)


def test_time_that_is_nearly_over_leaves_a_step(choose, scripted, plan, measured_names):
    before = plan(time_limit_s=5.0, reasons=REASONS)
    assert choose(before, scripted(lambda _: 0.01), ends_at=time.perf_counter() - 5).plan.total_steps == 1
    assert measured_names == []


def test_a_later_run_has_the_measured_choices_from_the_cache(choose, probe, plan, monkeypatch):
    monkeypatch.setattr(batch_size, "LONG_STEPS", 10**6)  # with two sizes to choose from
    first = choose(plan(total_steps=20_000, epochs=2_000, reasons=REASONS), probe).plan
    again = choose(plan(total_steps=20_000, epochs=2_000, reasons=REASONS), probe)
    assert again.step_s is None, "nothing was timed"
    names = ("batch_size", "learning_rate", "threads", "microbatch_size", "total_steps")
    assert all(getattr(first, name) == getattr(again.plan, name) for name in names)
    assert again.plan.reason("batch_size").text.startswith("from an earlier run: ")


def test_a_later_run_measures_what_the_budget_did_not_reach(choose, scripted, plan, replace_choices):
    asked = []

    def costly(name, value):
        """A choice that takes most of a budget to measure."""

        def measure_it(timed, setup):
            asked.append(name)
            cost_s = 0.7 * setup.budget.limit_s
            setup.budget.require(cost_s)
            setup.budget.spent_s += cost_s
            return replace(timed, plan=timed.plan.with_choice(name, value, Reason("measured")))

        return measure_it

    nothing = {name: lambda timed, _: timed for name in measure.CHOICES}
    replace_choices({**nothing, "threads": costly("threads", 3), "learning_rate": costly("learning_rate", 0.5)})
    runs = [choose(plan(total_steps=10**6, epochs=10**5), scripted(lambda _: 0.01)) for _ in range(3)]
    assert [(run.plan.threads, run.plan.learning_rate) for run in runs] == [(3, 0.1), (3, 0.5), (3, 0.5)]
    assert asked == ["threads", "learning_rate", "learning_rate"]
    assert [run.step_s for run in runs] == [0.01, 0.01, None]


@pytest.mark.parametrize(
    ("seconds", "unmeasured", "size"),
    [(0.004, (), 256), (0.5, (), 128), (0.004, ("batch_size",), 128), (0.004, ("epochs",), 128)],
    ids=["some hundred steps", "few steps", "the user's batch", "the user's epochs"],
)
def test_a_run_that_is_short_of_time_has_larger_batches_where_they_are_cheap(
    choose, scripted, probe, blobs, plan, measured_names, seconds, unmeasured, size
):
    tensor = blobs.train.samples.tensor.repeat(100, 1)
    split = Split(TensorSamples(tensor), blobs.train.targets.repeat(100), ["x"] * len(tensor))
    scripted_probe = scripted(lambda tried: seconds * (1.0 if tried.batch_size == 128 else 1.3))
    scripted_probe.real = replace(probe, split=split)
    before = plan(batch_size=128, microbatch_size=128, total_steps=10_000, time_limit_s=4.0, reasons=REASONS)
    chosen = choose(before, scripted_probe, unmeasured=unmeasured, ends_at=time.perf_counter() + 4).plan
    assert chosen.batch_size == size
    unchanged = choose(replace(before, measure_fraction=0.0), scripted_probe, ends_at=time.perf_counter() + 4).plan
    assert unchanged.batch_size == 128
