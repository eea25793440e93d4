"""From rules to a plan that was measured, within its part of the run's time."""

import threading
import time
from dataclasses import replace

import pytest
import torch

from naiad.trainer.autoscale import batch_size, measure, memory
from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.autoscale.choose_plan import LEAST_STEPS, Settling, with_spent
from naiad.trainer.autoscale.measurement_cache import Remembered
from naiad.trainer.autoscale.time_limit import Aftermath
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.plan.reason import Reason

FOLLOWING = (
    "optimizer",
    "learning_rate",
    "momentum",
    "weight_decay",
    "schedule",
    "warmup_fraction",
    "batchnorm_momentum",
)
REASONS = tuple((name, Reason("a rule")) for name in ("epochs", "total_steps", *FOLLOWING))
IN_ORDER = sorted(measure.CHOICES, key=measure.BY_LENGTH.__contains__)
NOTHING_AFTER = Aftermath(0, 0, saves=False)


@pytest.fixture
def asked(monkeypatch):
    """Names of the choices that were asked, in order; nothing is measured for them."""
    names = []

    def note(name):
        def choose(plan, _):
            names.append(name)
            return plan

        return choose

    monkeypatch.setattr(measure, "CHOICES", {name: note(name) for name in measure.CHOICES})
    return names


@pytest.fixture
def settled(tmp_path):
    def run(plan, bench, *, pinned=(), ends_at=None, rules=None):
        def ruled(steps, given):
            return replace(plan, total_steps=steps, **given) if rules is None else rules(steps, given)

        return Settling(
            bench,
            ruled,
            pinned=frozenset(pinned),
            ends_at=ends_at,
            aftermath=NOTHING_AFTER,
            remembered=Remembered(tmp_path / "cache" / "one.json"),
        ).settle(plan)

    return run


def test_a_short_run_is_not_measured(settled, scripted, plan, asked):
    of = scripted(lambda _: 0.01)
    assert settled(plan(total_steps=LEAST_STEPS - 1), of).step_s is None
    assert (of.timed, asked) == ([], [])


def test_a_long_one_is_asked_for_every_choice_but_the_pinned(settled, scripted, plan, asked):
    found = settled(plan(total_steps=10_000), scripted(lambda _: 0.01), pinned=("precision", "threads"))
    assert found.step_s == 0.01
    assert asked == [name for name in IN_ORDER if name not in ("precision", "threads")]


def test_measuring_can_be_switched_off(settled, scripted, plan, asked):
    of = scripted(lambda _: 0.01)
    assert settled(plan(total_steps=10_000, measure_fraction=0.0), of).step_s is None
    assert (of.timed, asked) == ([], [])


class Clock:
    """Goes on by what each forward pass takes: so many seconds for a batch of ten."""

    def __init__(self, bench, step_s):
        self.now, self.passes = 0.0, 0
        self.bench = replace(bench, loss=self.loss, clock=self)
        self._loss, self._step_s = bench.loss, step_s

    def __call__(self):
        return self.now

    def loss(self, net, inputs, targets):
        self.passes += 1
        self.now += self._step_s * len(inputs) / 10
        return self._loss(net, inputs, targets)


@pytest.mark.parametrize(("steps", "passes"), [(100, 1), (600, 30), (2_000, 100), (20_000, 1_000)])
def test_the_budget_is_a_part_of_the_steps(settled, bench, plan, steps, passes):
    clock = Clock(bench, 0.01)
    found = settled(plan(total_steps=steps, epochs=steps // 10), clock.bench)
    assert clock.passes <= passes
    assert clock.now <= 0.05 * steps * 0.01
    if steps >= LEAST_STEPS:
        assert found.measuring.budget.spent_s == pytest.approx(clock.now, rel=0.01), "all of it was counted"


@pytest.mark.parametrize(
    ("limit_s", "step_s", "part"),
    [(1.0, 0.2, 0.27), (0.5, 0.05, 0.24), (5.0, 0.2, 0.10), (5.0, 0.004, 0.05), (2.0, 0.004, 0.05), (0.1, 0.5, 6.0)],
)
def test_a_time_limit_is_for_training(settled, bench, plan, limit_s, step_s, part):
    """The schedule needs a step or two that were timed, however short the time is."""
    clock = Clock(bench, step_s)
    before = plan(time_limit_s=limit_s, reasons=REASONS)
    found = settled(before, clock.bench, ends_at=limit_s).plan
    assert clock.now <= part * limit_s
    assert found.total_steps == max(1, int((limit_s - clock.now) / step_s + 1e-6))


def test_memory_is_looked_at_before_anything_is_timed(settled, bench, plan, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda _: 1_000)
    for steps in (40, 2_000):
        clock, sizes = Clock(bench, 0.01), []
        watched = replace(
            clock.bench,
            loss=lambda net, inputs, targets, of=clock, seen=sizes: (
                seen.append(len(inputs)),
                of.loss(net, inputs, targets),
            )[1],
        )
        assert settled(plan(total_steps=steps, epochs=steps // 10), watched).plan.microbatch_size == 3
        assert set(sizes) <= {2, 3}


@pytest.mark.parametrize(
    ("pinned", "expected"), [((), ("muon", 0.2, 0.06)), (("optimizer", "learning_rate"), ("sgd", 0.2, 0.1))]
)
def test_what_follows_from_the_length_is_ruled_anew(settled, scripted, plan, monkeypatch, pinned, expected):
    def rules(steps, given):
        short = {"optimizer": "muon", "learning_rate": 0.03, "batchnorm_momentum": 0.2} if steps < 1_000 else {}
        return plan(total_steps=steps, reasons=REASONS, **{**short, **given})

    def larger(current, _):
        return current.with_choice("batch_size", 40, Reason("measured")).with_choice("total_steps", 690, Reason(""))

    seen = []
    choices = {"batch_size": larger, "learning_rate": lambda current, _: seen.append(current) or current}
    monkeypatch.setattr(measure, "CHOICES", choices)
    found = settled(rules(2_760, {}), scripted(lambda _: 0.01), rules=rules, pinned=pinned).plan
    assert (found.optimizer, found.batchnorm_momentum, found.learning_rate) == expected
    assert dict(found.reasons)["batch_size"].text == "measured"
    assert all(asked == found for asked in seen), "before the learning rate is tested"


def test_a_range_test_is_told_how_much_a_short_run_bears(settled, scripted, plan, monkeypatch):
    def rules(steps, given):
        return plan(**{"total_steps": steps, "reasons": REASONS, "learning_rate": 0.3 if steps < 600 else 0.1, **given})

    seen = []
    monkeypatch.setattr(
        measure, "CHOICES", {"learning_rate": lambda current, of: seen.append(of.shorter_rate) or current}
    )
    settled(rules(2_760, {}), scripted(lambda _: 0.01), rules=rules)
    assert seen == [pytest.approx(3.0)]


def test_a_plan_says_what_was_spent_and_what_was_not_tried(settled, bench, plan):
    clock = Clock(bench, 0.01)
    found = settled(plan(total_steps=LEAST_STEPS, epochs=60), clock.bench)
    reasons = dict(with_spent(found.plan, found.measuring).reasons)
    assert reasons["learning_rate"].measured == "not measured: no room in the budget"
    assert reasons["measure_fraction"].measured.endswith("s of 0.3 s")


def test_a_network_that_cannot_be_copied_is_scheduled_all_the_same(settled, bench, plan):
    bench.net.lock = threading.Lock()
    before = [value.clone() for value in bench.net.state_dict().values()]
    clock = Clock(bench, 0.01)
    found = settled(plan(time_limit_s=100.0, threads=2, reasons=REASONS), clock.bench, ends_at=100.0).plan
    assert found.total_steps > 9_000
    assert "cannot be copied" in dict(found.reasons)["threads"].measured
    assert all(map(torch.equal, before, bench.net.state_dict().values()))


def test_a_time_limit_becomes_steps(settled, scripted, plan, asked):
    before = plan(time_limit_s=100.0, reasons=REASONS)
    found = settled(before, scripted(lambda _: 0.01), ends_at=time.perf_counter() + 100)
    assert 9_000 < found.plan.total_steps <= 10_000
    assert asked == IN_ORDER


def test_time_that_is_nearly_over_leaves_a_step(settled, scripted, plan, asked):
    before = plan(time_limit_s=5.0, reasons=REASONS)
    assert settled(before, scripted(lambda _: 0.01), ends_at=time.perf_counter() - 5).plan.total_steps == 1
    assert asked == []


def test_what_was_learnt_is_remembered(settled, bench, plan, monkeypatch):
    monkeypatch.setattr(batch_size, "LONG_STEPS", 10**6)  # with two sizes to choose from
    first = settled(plan(total_steps=20_000, epochs=2_000, reasons=REASONS), bench).plan
    again = settled(plan(total_steps=20_000, epochs=2_000, reasons=REASONS), bench)
    assert again.step_s is None, "nothing was timed"
    choices = ("batch_size", "learning_rate", "threads", "microbatch_size", "total_steps")
    assert all(getattr(first, name) == getattr(again.plan, name) for name in choices)
    assert dict(again.plan.reasons)["batch_size"].text.startswith("remembered: ")


def test_what_the_budget_did_not_reach_is_measured_by_a_later_run(settled, scripted, plan, monkeypatch):
    asked = []

    def costly(name, value):
        """Measures with most of a purse."""

        def choose(current, measuring):
            asked.append(name)
            cost_s = 0.7 * measuring.budget.limit_s
            if not measuring.budget.affords(cost_s):
                return current
            measuring.budget.spent_s += cost_s
            return current.with_choice(name, value, Reason("measured"))

        return choose

    nothing = {name: lambda current, _: current for name in measure.CHOICES}
    choices = {**nothing, "threads": costly("threads", 3), "learning_rate": costly("learning_rate", 0.5)}
    monkeypatch.setattr(measure, "CHOICES", choices)
    runs = [settled(plan(total_steps=10**6, epochs=10**5), scripted(lambda _: 0.01)) for _ in range(3)]
    assert [(run.plan.threads, run.plan.learning_rate) for run in runs] == [(3, 0.1), (3, 0.5), (3, 0.5)]
    assert asked == ["threads", "learning_rate", "learning_rate"]
    assert [run.step_s for run in runs] == [0.01, 0.01, None]


@pytest.mark.parametrize(
    ("seconds", "pinned", "size"),
    [(0.004, (), 256), (0.5, (), 128), (0.004, ("batch_size",), 128), (0.004, ("epochs",), 128)],
    ids=["some hundred steps", "few", "a batch of the user's", "epochs of the user's"],
)
def test_a_short_time_is_used_for_larger_batches_where_they_are_cheap(
    settled, scripted, bench, blobs, plan, asked, seconds, pinned, size
):
    tensor = blobs.train.samples.tensor.repeat(100, 1)
    split = Split(TensorSamples(tensor), blobs.train.targets.repeat(100), ["x"] * len(tensor))
    of = scripted(lambda tried: seconds * (1.0 if tried.batch_size == 128 else 1.3))
    of.real = Bench(bench.net, bench.features, bench.loss, split)
    before = plan(batch_size=128, microbatch_size=128, total_steps=10_000, time_limit_s=4.0, reasons=REASONS)
    found = settled(before, of, pinned=pinned, ends_at=time.perf_counter() + 4).plan
    assert found.batch_size == size
    assert settled(replace(before, measure_fraction=0.0), of, ends_at=time.perf_counter() + 4).plan.batch_size == 128
