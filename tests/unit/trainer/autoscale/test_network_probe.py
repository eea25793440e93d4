"""Trial steps on copies leave no trace."""

import random
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
import torch
from torch import nn

from naiad.trainer.autoscale.network_probe import NetworkProbe
from naiad.trainer.data.batches import BatchSlice


def trace(probe):
    """Everything that a measurement could change."""
    tensors = [value.clone() for value in probe.net.state_dict().values()]
    grads = [parameter.grad for parameter in probe.net.parameters()]
    numbers = (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002  # reason: the global generator is what is watched
    return tensors, grads, torch.get_rng_state(), numbers, probe.net.training, torch.get_num_threads()


@pytest.mark.parametrize(
    "measure",
    [
        lambda probe, plan: probe.step_seconds(plan),
        lambda probe, plan: probe.short_run(plan, 8),
        lambda probe, plan: probe.gradient(plan),
        lambda probe, plan: probe.gradients(plan, 3, net=probe.net),
        lambda probe, plan: probe.bytes_per_sample(plan),
    ],
    ids=["step_seconds", "short_run", "gradient", "gradients", "bytes_per_sample"],
)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_no_trace_is_left(probe, plan, measure, optimizer):
    before = trace(probe)
    measure(probe, plan(optimizer=optimizer))
    tensors, *rest = trace(probe)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(tensors, before[0], strict=True))
    assert rest[0] == before[1]
    assert torch.equal(rest[1], before[2])
    assert rest[2:] == list(before[3:])


def test_a_short_run_learns_and_is_the_same_each_time(probe, plan):
    first, second = (probe.short_run(plan(learning_rate=0.2), 40) for _ in range(2))
    assert first.losses == second.losses
    assert len(first.losses) == 40
    assert fmean(first.losses[-10:]) < first.losses[0]


def test_a_short_run_ends_where_its_loss_is_not_finite(probe, plan):
    assert len(probe.run_with_rates(plan(clip_norm=None), [1e30] * 30).losses) < 30


def test_a_gradient_draws_the_same_random_numbers_each_time(probe, plan):
    (loss, gradient), (again, gradient_again) = (probe.gradient(plan()) for _ in range(2))
    assert loss == again
    assert torch.equal(gradient, gradient_again)


def test_a_wider_network_needs_more_memory_a_sample(probe, plan):
    wide = nn.Sequential(nn.Linear(5, 4096), nn.ReLU(), nn.Linear(4096, 3))
    narrow = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 3))
    sizes = [
        NetworkProbe(net, probe.features, probe.loss, probe.split).bytes_per_sample(plan()) for net in (narrow, wide)
    ]
    assert sizes[1] > 50 * sizes[0]


def test_the_data_begin_again_where_they_end(probe, plan):
    assert len(probe.short_run(plan(batch_size=50), 9).losses) == 9


def test_a_step_is_timed_with_the_slice_that_it_will_have(probe, plan):
    sizes = []
    loss = probe.loss

    def watched(net, inputs, targets):
        sizes.append(len(inputs))
        return loss(net, inputs, targets)

    shared = replace(probe, loss=watched, batch_slice=BatchSlice(0, 2))
    shared.step_seconds(plan(batch_size=10), steps=1, warm_up=0)
    assert sizes == [5]
    shared.run_with_rates(plan(batch_size=10), [0.1])
    assert sizes == [5, 10], "losses are those of whole batches"


class Clock:
    """Advances at each forward pass by the seconds that the test says."""

    def __init__(self, probe, seconds):
        self.now, self.passes, self._seconds, self._loss = 0.0, 0, seconds, probe.loss
        self.probe = replace(probe, loss=self.loss, clock=lambda: self.now)

    def loss(self, net, inputs, targets):
        self.now += self._seconds(self.passes, torch.get_num_threads())
        self.passes += 1
        return self._loss(net, inputs, targets)


@pytest.mark.parametrize(
    ("within_s", "passes", "seconds"), [(100.0, 4, 2.0), (12.5, 3, 2.0), (3.0, 2, 2.0), (2.5, 1, 10.0)]
)
def test_timing_ends_with_its_budget(probe, plan, within_s, passes, seconds):
    clock = Clock(probe, lambda index, _: 2.0 if index else 10.0)
    assert clock.probe.step_seconds(plan(), steps=3, warm_up=1, within_s=within_s) == seconds
    assert clock.passes == passes


def test_the_extra_time_of_the_first_step_is_its_warm_up(probe, plan):
    clock = Clock(probe, lambda index, _: 2.0 if index else 10.0)
    assert clock.probe.time_steps(plan()).warm_up_s == 8.0
    slower = Clock(probe, lambda index, _: 3.0 + index)
    assert slower.probe.time_steps(plan()).warm_up_s == 0.0


def test_plans_take_turns_and_a_slow_one_is_given_up(probe, plan):
    clock = Clock(probe, lambda _, threads: {1: 1.0, 2: 5.0}[threads])
    times = clock.probe.compare_steps([plan(), plan(threads=2)], rounds=3, within_s=100.0)
    assert times == [[1.0] * 3, [5.0]]
    assert clock.probe.compare_steps([plan(), plan()], rounds=3, within_s=3.5) == [[1.0], [1.0]]


def test_the_first_steps_of_a_turn_may_go_untimed(probe, plan):
    clock = Clock(probe, lambda index, _: 9.0 if index % 2 else 1.0)
    assert clock.probe.compare_steps([plan(), plan()], rounds=3, within_s=1e3, warm_up=1) == [[9.0] * 3] * 2
    assert clock.passes == 2 + 2 * 3 * 2


def test_a_weight_that_a_batch_does_not_reach_has_a_gradient_of_zeros(probe, plan):
    net = nn.ModuleDict({"used": nn.Linear(5, 3), "unused": nn.Linear(2, 2)})
    net.forward = net["used"].forward
    _, gradient = replace(probe, net=net).gradient(plan())
    assert len(gradient) == 5 * 3 + 3 + 2 * 2 + 2


def test_a_gradient_that_does_not_fit_at_once_is_accumulated(probe, plan):
    def small(net, inputs, targets):
        if len(inputs) > 4:
            raise MemoryError
        return probe.loss(net, inputs, targets)

    loss, _ = replace(probe, loss=small).gradient(plan(batch_size=16, microbatch_size=16))
    assert loss > 0
