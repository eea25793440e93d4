"""Steps on copies: what is measured leaves no trace."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.data.batches import BatchSlice


def trace(bench):
    """All that a measurement could change."""
    tensors = [value.clone() for value in bench.net.state_dict().values()]
    grads = [parameter.grad for parameter in bench.net.parameters()]
    numbers = (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002  # reason: the global generator is what is watched
    return tensors, grads, torch.get_rng_state(), numbers, bench.net.training, torch.get_num_threads()


@pytest.mark.parametrize(
    "measure",
    [
        lambda bench, plan: bench.step_seconds(plan),
        lambda bench, plan: bench.pilot(plan, 8),
        lambda bench, plan: bench.gradient(plan),
        lambda bench, plan: bench.gradients(plan, 3, net=bench.net),
        lambda bench, plan: bench.bytes_a_sample(plan),
    ],
    ids=["step_seconds", "pilot", "gradient", "gradients", "bytes_a_sample"],
)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_no_trace_is_left(bench, plan, measure, optimizer):
    before = trace(bench)
    measure(bench, plan(optimizer=optimizer))
    tensors, *rest = trace(bench)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(tensors, before[0], strict=True))
    assert rest[0] == before[1]
    assert torch.equal(rest[1], before[2])
    assert rest[2:] == list(before[3:])


def test_a_pilot_learns_and_is_the_same_each_time(bench, plan):
    first, second = (bench.pilot(plan(learning_rate=0.2), 40) for _ in range(2))
    assert first.losses == second.losses
    assert len(first.losses) == 40
    assert first.loss(10) < first.losses[0]


def test_a_pilot_that_loses_its_loss_ends_there(bench, plan):
    pilot = bench.pilot(plan(clip_norm=None), [1e30] * 30)
    assert len(pilot.losses) < 30


def test_a_gradient_draws_the_same_random_numbers_each_time(bench, plan):
    (loss, gradient), (again, gradient_again) = (bench.gradient(plan()) for _ in range(2))
    assert loss == again
    assert torch.equal(gradient, gradient_again)


def test_a_wider_network_holds_more_for_a_sample(bench, plan):
    wide = nn.Sequential(nn.Linear(5, 4096), nn.ReLU(), nn.Linear(4096, 3))
    narrow = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 3))
    sizes = [Bench(net, bench.features, bench.loss, bench.split).bytes_a_sample(plan()) for net in (narrow, wide)]
    assert sizes[1] > 50 * sizes[0]


def test_it_runs_through_the_data_again_when_it_ends(bench, plan):
    assert len(bench.pilot(plan(batch_size=50), 9).losses) == 9


def test_a_step_is_timed_with_the_share_that_it_will_have(bench, plan):
    sizes = []
    loss = bench.loss

    def watched(net, inputs, targets):
        sizes.append(len(inputs))
        return loss(net, inputs, targets)

    shared = replace(bench, loss=watched, share=BatchSlice(0, 2))
    shared.step_seconds(plan(batch_size=10), steps=1, warm_up=0)
    assert sizes == [5]
    shared.pilot(plan(batch_size=10), [0.1])
    assert sizes == [5, 10], "what is learnt of batches is learnt of whole ones"


class Clock:
    """Goes on by what the script says of each forward pass."""

    def __init__(self, bench, seconds):
        self.now, self.passes, self._seconds, self._loss = 0.0, 0, seconds, bench.loss
        self.bench = replace(bench, loss=self.loss, clock=lambda: self.now)

    def loss(self, net, inputs, targets):
        self.now += self._seconds(self.passes, torch.get_num_threads())
        self.passes += 1
        return self._loss(net, inputs, targets)


@pytest.mark.parametrize(
    ("within_s", "passes", "seconds"), [(100.0, 4, 2.0), (12.5, 3, 2.0), (3.0, 2, 2.0), (2.5, 1, 10.0)]
)
def test_a_timing_ends_with_its_budget(bench, plan, within_s, passes, seconds):
    clock = Clock(bench, lambda index, _: 2.0 if index else 10.0)
    assert clock.bench.step_seconds(plan(), steps=3, warm_up=1, within_s=within_s) == seconds
    assert clock.passes == passes


def test_what_the_first_step_takes_longer_is_not_lost(bench, plan):
    clock = Clock(bench, lambda index, _: 2.0 if index else 10.0)
    assert clock.bench.timing(plan()).not_lost_s == 8.0
    slower = Clock(bench, lambda index, _: 3.0 + index)
    assert slower.bench.timing(plan()).not_lost_s == 0.0


def test_plans_take_turns_and_a_slow_one_is_given_up(bench, plan):
    clock = Clock(bench, lambda _, threads: {1: 1.0, 2: 5.0}[threads])
    found = clock.bench.race([plan(), plan(threads=2)], rounds=3, within_s=100.0)
    assert found == [[1.0] * 3, [5.0]]
    assert clock.bench.race([plan(), plan()], rounds=3, within_s=3.5) == [[1.0], [1.0]]


def test_a_weight_that_a_batch_does_not_reach_has_a_gradient_of_zeros(bench, plan):
    net = nn.ModuleDict({"used": nn.Linear(5, 3), "unused": nn.Linear(2, 2)})
    net.forward = net["used"].forward
    _, gradient = replace(bench, net=net).gradient(plan())
    assert len(gradient) == 5 * 3 + 3 + 2 * 2 + 2


def test_a_gradient_that_does_not_fit_at_once_is_accumulated(bench, plan):
    def small(net, inputs, targets):
        if len(inputs) > 4:
            raise MemoryError
        return bench.loss(net, inputs, targets)

    loss, _ = replace(bench, loss=small).gradient(plan(batch_size=16, microbatch_size=16))
    assert loss > 0
