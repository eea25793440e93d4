"""The least time for the same progress."""

from dataclasses import replace

import pytest

from naiad.trainer.autoscale import batch_size
from naiad.trainer.autoscale.microbatch_size import BOUNDLESS, Room
from naiad.trainer.data.batches import BatchSlice


@pytest.fixture
def noise(monkeypatch):
    """Sets the noise scale."""
    return lambda scale: monkeypatch.setattr(batch_size, "noise_scale", lambda *_: scale)


def overhead(plan):
    """A machine that is not full before some hundreds of samples."""
    return 0.001 + plan.batch_size * 1e-6


def linear(plan):
    return plan.batch_size * 1e-4


def big(blobs, bench):
    """A split that is large enough for any of the sizes."""
    tensor = blobs.train.samples.tensor.repeat(100, 1)
    from naiad.trainer.data.dataset import Split, TensorSamples  # noqa: PLC0415  # reason: short

    split = Split(TensorSamples(tensor), blobs.train.targets.repeat(100), ["x"] * len(tensor))
    return type(bench)(bench.net, bench.features, bench.loss, split)


def chosen(blobs, bench, scripted, measuring, plan, seconds, *, pinned=(), room=BOUNDLESS):
    of = scripted(seconds)
    of.real = big(blobs, bench)
    return batch_size.choose(plan, measuring(of, pinned=pinned, room=room))


def test_larger_where_the_machine_is_not_full_and_the_noise_is_large(blobs, bench, scripted, measuring, plan, noise):
    noise(1e6)
    found = chosen(blobs, bench, scripted, measuring, plan(batch_size=32, microbatch_size=32), overhead)
    assert found.batch_size == 128
    assert found.microbatch_size == 128
    assert found.total_steps == found.epochs * -(-10_000 // 128)
    assert found.learning_rate == pytest.approx(0.4)


def test_smaller_where_the_noise_is_small_and_the_machine_is_full(blobs, bench, scripted, measuring, plan, noise):
    noise(10.0)
    assert chosen(blobs, bench, scripted, measuring, plan(batch_size=32, microbatch_size=32), linear).batch_size == 16


def test_not_smaller_in_a_long_run_whose_noise_grows(blobs, bench, scripted, measuring, plan, noise):
    noise(10.0)
    of = [plan(batch_size=128, microbatch_size=128, total_steps=batch_size.LONG_STEPS + more) for more in (0, 1)]
    short, long = (chosen(blobs, bench, scripted, measuring, current, linear) for current in of)
    assert (short.batch_size, long.batch_size) == (64, 128)


def test_no_size_is_tried_that_leaves_a_process_without_a_sample(blobs, bench, scripted, measuring, plan, noise):
    noise(10.0)
    of = scripted(linear)
    of.real = replace(big(blobs, bench), share=BatchSlice(0, 20))
    assert batch_size.choose(plan(batch_size=32, microbatch_size=32), measuring(of)).batch_size == 32
    assert {tried.batch_size for tried in of.timed} == {32, 64, 128}


def test_a_small_gain_changes_nothing(blobs, bench, scripted, measuring, plan, noise):
    noise(1e9)
    before = plan(batch_size=32, microbatch_size=32)
    assert chosen(blobs, bench, scripted, measuring, before, linear).batch_size == 32


def test_a_rate_of_the_users_is_not_moved(blobs, bench, scripted, measuring, plan, noise):
    noise(1e6)
    before = plan(batch_size=32, microbatch_size=32)
    found = chosen(blobs, bench, scripted, measuring, before, overhead, pinned=("learning_rate",))
    assert (found.batch_size, found.learning_rate) == (128, 0.1)


def test_memory_bounds_it(blobs, bench, scripted, measuring, plan, noise):
    noise(1e6)
    room = Room(1_000.0, 2 * 64_000)
    before = plan(batch_size=32, microbatch_size=32)
    found = chosen(blobs, bench, scripted, measuring, before, overhead, room=room)
    assert (found.batch_size, found.microbatch_size) == (64, 64)


def test_what_is_tried_has_the_microbatch_that_the_run_will_have(blobs, bench, scripted, measuring, plan, noise):
    noise(1e6)
    of = scripted(overhead)
    of.real = big(blobs, bench)
    before = plan(batch_size=32, microbatch_size=4)
    batch_size.choose(before, measuring(of, room=Room(1_000.0, 2 * 16_000)))
    assert {tried.microbatch_size for tried in of.timed} == {16}
    of.timed.clear()
    found = batch_size.choose(before, measuring(of, pinned=("microbatch_size",)))
    assert {tried.microbatch_size for tried in of.timed} == {4}
    assert (found.batch_size, found.microbatch_size) == (128, 4)


def test_an_epoch_keeps_its_steps(scripted, measuring, plan, noise):
    noise(1e6)
    of = scripted(overhead)
    found = batch_size.choose(plan(batch_size=10), measuring(of))
    assert found.batch_size == 10
    assert all(tried.batch_size <= 10 for tried in of.timed)


def glanced(blobs, bench, scripted, measuring, plan, seconds, *, pinned=()):
    of = scripted(seconds)
    of.real = big(blobs, bench)
    before = plan(batch_size=128, microbatch_size=128)
    return batch_size.glance(before, measuring(of, step_s=seconds(before), pinned=pinned))


def test_at_a_glance_twice_the_batch_where_the_machine_is_not_full(blobs, bench, scripted, measuring, plan):
    found = glanced(blobs, bench, scripted, measuring, plan, overhead)
    assert (found.batch_size, found.microbatch_size) == (256, 256)
    assert found.learning_rate == pytest.approx(0.2)
    assert [trial.value for trial in dict(found.reasons)["batch_size"].measurements] == ["128", "256"]
    assert glanced(blobs, bench, scripted, measuring, plan, linear).batch_size == 128


def test_a_glance_asks_the_budget(blobs, bench, scripted, measuring, plan):
    of = scripted(overhead)
    of.real = big(blobs, bench)
    before = plan(batch_size=128, microbatch_size=128)
    assert batch_size.glance(before, measuring(of, budget_s=0.005, step_s=0.001)) == before
    assert of.timed == []


def test_a_glance_keeps_an_epochs_steps(scripted, measuring, plan):
    of = scripted(overhead)
    assert batch_size.glance(plan(batch_size=64), measuring(of)).batch_size == 64
    assert of.timed == []
