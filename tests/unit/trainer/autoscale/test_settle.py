"""From rules to a plan that was measured, within its part of the run's time."""

import time
from dataclasses import replace

import pytest

from naiad.trainer.autoscale import tune
from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.autoscale.remembered import Remembered
from naiad.trainer.autoscale.settle import LEAST_STEPS, settle
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.plan import Reason
from naiad.trainer.timing import Aftermath

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

    monkeypatch.setattr(tune, "CHOICES", {name: note(name) for name in tune.CHOICES})
    return names


@pytest.fixture
def settled(tmp_path):
    def run(plan, bench, *, pinned=(), ends_at=None):
        return settle(
            plan,
            bench,
            pinned=frozenset(pinned),
            ends_at=ends_at,
            aftermath=NOTHING_AFTER,
            remembered=Remembered(tmp_path / "cache" / "one.json"),
        )

    return run


def test_a_short_run_is_not_measured(settled, scripted, plan, asked):
    of = scripted(lambda _: 0.01)
    assert settled(plan(total_steps=LEAST_STEPS - 1), of).step_s is None
    assert (of.timed, asked) == ([], [])


def test_a_long_one_is_asked_for_every_choice_but_the_pinned(settled, scripted, plan, asked):
    found = settled(plan(total_steps=10_000), scripted(lambda _: 0.01), pinned=("precision", "threads"))
    assert found.step_s == 0.01
    assert asked == [name for name in tune.CHOICES if name not in ("precision", "threads")]


def test_measuring_can_be_switched_off(settled, scripted, plan, asked):
    of = scripted(lambda _: 0.01)
    assert settled(plan(total_steps=10_000, probe_part=0.0), of).step_s is None
    assert (of.timed, asked) == ([], [])


def test_the_budget_is_a_part_of_the_run(settled, bench, plan):
    begun = time.perf_counter()
    step_s = bench.step_seconds(plan())
    run_s = 20_000 * step_s
    begun = time.perf_counter()
    settled(plan(total_steps=20_000, epochs=2_000), bench)
    assert time.perf_counter() - begun < 0.08 * run_s


def test_a_time_limit_becomes_steps(settled, scripted, plan, asked):
    before = replace(plan(), reasons=(("epochs", Reason("a rule")), ("total_steps", Reason(""))))
    found = settled(before, scripted(lambda _: 0.01), ends_at=time.perf_counter() + 100)
    assert 9_000 < found.plan.total_steps <= 10_000
    assert asked == list(tune.CHOICES)


def test_time_that_is_nearly_over_leaves_a_step(settled, scripted, plan, asked):
    before = replace(plan(), reasons=(("epochs", Reason("a rule")), ("total_steps", Reason(""))))
    assert settled(before, scripted(lambda _: 0.01), ends_at=time.perf_counter() - 5).plan.total_steps == 1
    assert asked == []


def test_what_was_learnt_is_remembered(settled, bench, plan):
    first = settled(plan(total_steps=20_000, epochs=2_000), bench).plan
    again = settled(plan(total_steps=20_000, epochs=2_000), bench)
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
            return current.taking(name, value, Reason("measured"))

        return choose

    nothing = {name: lambda current, _: current for name in tune.CHOICES}
    choices = {**nothing, "threads": costly("threads", 3), "learning_rate": costly("learning_rate", 0.5)}
    monkeypatch.setattr(tune, "CHOICES", choices)
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
    reasons = (("epochs", Reason("a rule")), ("total_steps", Reason("")))
    before = plan(batch_size=128, microbatch_size=128, total_steps=10_000, reasons=reasons)
    found = settled(before, of, pinned=pinned, ends_at=time.perf_counter() + 4).plan
    assert found.batch_size == size
    assert settled(replace(before, probe_part=0.0), of, ends_at=time.perf_counter() + 4).plan.batch_size == 128
