"""The batch size with the least time for the same progress."""

from dataclasses import replace

import pytest

from naiad.trainer.autoscale import batch_size
from naiad.trainer.autoscale.measurement_setup import TimedPlan
from naiad.trainer.autoscale.microbatch_size import MemoryLimit
from naiad.trainer.data.batches import BatchSlice
from naiad.trainer.data.dataset import Split, TensorSamples


@pytest.fixture
def noise(monkeypatch):
    """Sets the noise scale."""
    return lambda scale: monkeypatch.setattr(batch_size, "noise_scale", lambda *_: scale)


def overhead(plan):
    """Seconds of a step on a machine that is not full before some hundreds of samples."""
    return 0.001 + plan.batch_size * 1e-6


def linear(plan):
    return plan.batch_size * 1e-4


@pytest.fixture
def scripted_large(scripted, blobs, probe):
    """A scripted probe with a split that is large enough for any of the sizes."""
    tensor = blobs.train.samples.tensor.repeat(100, 1)
    split = Split(TensorSamples(tensor), blobs.train.targets.repeat(100), ["x"] * len(tensor))

    def make(seconds):
        probe_of_large = scripted(seconds)
        probe_of_large.real = replace(probe, split=split)
        return probe_of_large

    return make


@pytest.fixture
def chosen(scripted_large, make_setup, choose):
    """A function that returns the plan that is chosen where steps take ``seconds``."""

    def run(plan, seconds, **options):
        return choose(batch_size, plan, make_setup(scripted_large(seconds), **options))

    return run


def test_the_batch_grows_where_the_machine_is_not_full_and_the_noise_is_large(chosen, plan, noise):
    noise(1e6)
    larger = chosen(plan(batch_size=32, microbatch_size=32), overhead)
    assert larger.batch_size == 128
    assert larger.microbatch_size == 128
    assert larger.total_steps == larger.epochs * -(-10_000 // 128)
    assert larger.learning_rate == pytest.approx(0.4)


def test_the_batch_shrinks_where_the_noise_is_small_and_the_machine_is_full(chosen, plan, noise):
    noise(10.0)
    assert chosen(plan(batch_size=32, microbatch_size=32), linear).batch_size == 16


def test_the_batch_does_not_shrink_in_a_long_run_whose_noise_grows(chosen, plan, noise):
    noise(10.0)
    steps = (batch_size.LONG_STEPS, batch_size.LONG_STEPS + 1)
    short, long = (chosen(plan(batch_size=128, microbatch_size=128, total_steps=total), linear) for total in steps)
    assert (short.batch_size, long.batch_size) == (64, 128)


def test_no_size_is_tried_that_leaves_a_process_without_a_sample(scripted_large, make_setup, choose, plan, noise):
    noise(10.0)
    probe = scripted_large(linear)
    probe.real = replace(probe.real, batch_slice=BatchSlice(0, 20))
    assert choose(batch_size, plan(batch_size=32, microbatch_size=32), make_setup(probe)).batch_size == 32
    assert {tried.batch_size for tried in probe.timed} == {32, 64, 128}


def test_a_small_gain_changes_nothing(chosen, plan, noise):
    noise(1e9)
    assert chosen(plan(batch_size=32, microbatch_size=32), linear).batch_size == 32


def test_the_users_learning_rate_is_not_moved(chosen, plan, noise):
    noise(1e6)
    larger = chosen(plan(batch_size=32, microbatch_size=32), overhead, unmeasured=("learning_rate",))
    assert (larger.batch_size, larger.learning_rate) == (128, 0.1)


def test_memory_limits_the_batch(chosen, plan, noise):
    noise(1e6)
    larger = chosen(plan(batch_size=32, microbatch_size=32), overhead, memory=MemoryLimit(1_000.0, 2 * 64_000))
    assert (larger.batch_size, larger.microbatch_size) == (64, 64)


def test_a_size_is_tried_with_the_microbatch_that_the_run_will_have(scripted_large, make_setup, choose, plan, noise):
    noise(1e6)
    probe, before = scripted_large(overhead), plan(batch_size=32, microbatch_size=4)
    choose(batch_size, before, make_setup(probe, memory=MemoryLimit(1_000.0, 2 * 16_000)))
    assert {tried.microbatch_size for tried in probe.timed} == {16}
    probe.timed.clear()
    larger = choose(batch_size, before, make_setup(probe, unmeasured=("microbatch_size",)))
    assert {tried.microbatch_size for tried in probe.timed} == {4}
    assert (larger.batch_size, larger.microbatch_size) == (128, 4)


def test_an_epoch_keeps_its_steps(scripted, make_setup, choose, plan, noise):
    noise(1e6)
    probe = scripted(overhead)
    assert choose(batch_size, plan(batch_size=10), make_setup(probe)).batch_size == 10
    assert all(tried.batch_size <= 10 for tried in probe.timed)


@pytest.mark.parametrize(("seconds", "size"), [(overhead, 256), (linear, 128)])
def test_a_quick_check_doubles_the_batch_where_the_machine_is_not_full(scripted_large, make_setup, plan, seconds, size):
    before = TimedPlan(plan(batch_size=128, microbatch_size=128), seconds(plan(batch_size=128)))
    checked = batch_size.quick_check(before, make_setup(scripted_large(seconds))).plan
    assert (checked.batch_size, checked.microbatch_size) == (size, size)
    assert checked.learning_rate == pytest.approx(0.1 * size / 128)
    if size == 256:
        assert [one.value for one in checked.reason("batch_size").measurements] == ["128", "256"]


def test_a_quick_check_keeps_to_the_budget(scripted_large, make_setup, plan):
    probe, before = scripted_large(overhead), TimedPlan(plan(batch_size=128, microbatch_size=128), 0.001)
    assert batch_size.quick_check(before, make_setup(probe, budget_s=0.005)) == before
    assert probe.timed == []


def test_a_quick_check_keeps_the_steps_of_an_epoch(scripted, make_setup, plan):
    probe = scripted(overhead)
    assert batch_size.quick_check(TimedPlan(plan(batch_size=64), 0.001), make_setup(probe)).plan.batch_size == 64
    assert probe.timed == []
