"""A step by several processes makes one update, however the slices go."""

import copy
import os
import signal
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from naiad.errors import MemoryExhausted
from naiad.trainer.data.batches import Batch, BatchSlice
from naiad.trainer.data.dataset import Task
from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.loop.distributed_step import distribute_step
from naiad.trainer.loop.step import NonFiniteLoss, Stepper
from naiad.trainer.loop.stopping import StopFlag, catch_stop_signals
from naiad.trainer.machine.processes import join_process_group
from naiad.trainer.optim.losses import make_loss
from naiad.trainer.plan.plan import Plan

PLAN = Plan(
    epochs=1, total_steps=100, time_limit_s=None, checkpoint_steps=10, batch_size=13, microbatch_size=13, optimizer="sgd",
    learning_rate=0.5, momentum=0.9, weight_decay=0.0, schedule="one-cycle", warmup_fraction=0.2, clip_norm=None,
    label_smoothing=0.0, augment=(), precision="fp32", memory_format="contiguous", feed="memory", keep_weights="last",
    ema=None, clusters=None, device="cpu", threads=1, seed=0,
)  # fmt: skip


class LimitedMemory(nn.Module):
    """Runs out of memory for more than ``limit`` samples."""

    def __init__(self, limit):
        super().__init__()
        self.limit, self.linear = limit, nn.Linear(5, 3)

    def forward(self, inputs):
        if len(inputs) > self.limit:
            raise torch.OutOfMemoryError("no memory for this")
        return self.linear(inputs)


class Branching(nn.Module):
    """Uses ``left`` for a slice that begins with a positive number, ``right`` for other slices, and ``idle`` for none."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.idle = (nn.Linear(5, 3) for _ in range(3))

    def forward(self, inputs):
        return (self.left if inputs[0, 0] > 0 else self.right)(inputs)


def make_batch(batch_slice=None, *, samples=13):
    generator = torch.Generator().manual_seed(0)
    raw, targets = torch.randn(samples, 5, generator=generator), torch.arange(samples) % 3
    if batch_slice is None:
        return Batch(torch.arange(samples), raw, targets)
    positions = batch_slice.bounds(samples)
    return Batch(torch.arange(samples)[positions], raw[positions].clone(), targets[positions], samples)


def make_stepper(net, **choices):
    plan = replace(PLAN, **choices)
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=0.1)
    return Stepper(net, nn.Identity(), make_loss(Task.CLASSIFICATION), optimizer, plan, plan.microbatch_size)


def distributed_steps(kind, *, steps=3, nan_rank=None, limits=(99, 99), choices=None):
    """Takes steps of the network ``kind`` in this process, and returns how they went."""
    with join_process_group() as group:
        torch.manual_seed(0)
        makers = {
            "linear": lambda: nn.Linear(5, 3),
            "branching": Branching,
            "limited": lambda: LimitedMemory(limits[group.rank]),
        }
        net = makers[kind]()
        _, stepper, _ = distribute_step(make_stepper(net, **(choices or {})), group, StopFlag(), None)
        batch, lost = make_batch(BatchSlice(group.rank, group.size)), None
        if nan_rank == group.rank:
            batch.raw[0, 0] = float("nan")
        losses = []
        try:
            losses = [stepper.step(batch, 0.2) for _ in range(steps)]
        except NonFiniteLoss as error:
            lost = error.indices
        state = {name: value.clone() for name, value in net.state_dict().items()}
        idle = net.idle.weight.grad is None if kind == "branching" else None
        return {"state": state, "losses": losses, "lost": lost, "micro": stepper.microbatch_size, "idle": idle}


def batchnorm_step():
    with join_process_group() as group:
        torch.manual_seed(0)
        net = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 3))
        _, stepper, _ = distribute_step(make_stepper(net), group, StopFlag(), None)
        batch = make_batch(BatchSlice(group.rank, group.size))
        stepper.step(batch, 0.2)
        return {"state": dict(net.state_dict()), "mean": batch.raw.mean(0)}


def same_bits(one, other):
    return all(torch.equal(one["state"][name], other["state"][name]) for name in one["state"])


def single_process_steps(net, *, steps=3, **choices):
    stepper = make_stepper(net, **choices)
    return [stepper.step(make_batch(), 0.2) for _ in range(steps)]


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("choices", [{}, {"clip_norm": 0.05}, {"microbatch_size": 4}])
def test_slices_make_the_step_of_the_whole_batch(run_processes, size, choices):
    torch.manual_seed(0)
    net = nn.Linear(5, 3)
    losses = single_process_steps(net, **choices)
    results = run_processes(linear_steps, choices, size=size)
    for one in results:
        assert one["losses"] == pytest.approx(losses)
        assert same_bits(one, results[0])
        torch.testing.assert_close(one["state"]["weight"], net.weight.detach())


def linear_steps(choices):
    return distributed_steps("linear", choices=choices)


def limited_steps(limits):
    return distributed_steps("limited", limits=limits)


def test_out_of_memory_in_one_halves_the_microbatch_of_all(run_processes):
    torch.manual_seed(0)
    plain = LimitedMemory(99)
    single_process_steps(plain)
    first, second = run_processes(limited_steps, (99, 2))
    assert first["micro"] == second["micro"] == 2
    assert same_bits(first, second)
    torch.testing.assert_close(first["state"]["linear.weight"], plain.linear.weight.detach())


def test_a_single_sample_that_does_not_fit_is_an_error_in_all(run_processes):
    for error in run_processes(limited_steps, (99, 0)):
        assert isinstance(error, MemoryExhausted)


def nan_steps(rank):
    return distributed_steps("linear", nan_rank=rank)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_loss_that_is_not_finite_in_one_process_changes_no_weight(run_processes, rank):
    torch.manual_seed(0)
    before = nn.Linear(5, 3).weight
    for one in run_processes(nan_steps, rank):
        assert torch.equal(one["lost"], torch.arange(13)[BatchSlice(rank, 2).bounds(13)]), "the samples of that process"
        assert torch.equal(one["state"]["weight"], before)


def branching_steps():
    return distributed_steps("branching")


def test_weights_that_one_process_uses_are_updated_in_all(run_processes):
    torch.manual_seed(0)
    net = Branching()
    before = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), 0.2, momentum=0.9, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        for rank in range(2):
            batch = make_batch(BatchSlice(rank, 2))
            (nn.functional.cross_entropy(net(batch.raw), batch.targets) * len(batch) / 13).backward()
        optimizer.step()
    first, second = run_processes(branching_steps)
    assert first["idle"]
    assert second["idle"]
    assert same_bits(first, second)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(first["state"][name], value)
    assert torch.equal(first["state"]["idle.weight"], before.idle.weight), "no weight decay either"


def test_batchnorm_has_the_statistics_of_rank_zero(run_processes):
    first, second = run_processes(batchnorm_step)
    assert same_bits(first, second)
    torch.testing.assert_close(first["state"]["0.running_mean"], first["mean"] * 0.1)


def stop_rank_one():
    """Sends SIGTERM to rank 1 in its second step."""
    with join_process_group() as group, catch_stop_signals() as own_stop:
        net = nn.Linear(5, 3)
        deadline = Deadline(ends_at=10.0, last_validation_s=0.0)
        stop, stepper, common_deadline = distribute_step(make_stepper(net), group, own_stop, deadline)
        signals, times = [], []
        for step in range(3):
            if group.rank == 1 and step == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            stepper.step(make_batch(BatchSlice(group.rank, group.size)), 0.1)
            signals.append(stop.signal_name)
            times.append(common_deadline.clock())
        return SimpleNamespace(signals=signals, times=times)


def test_a_signal_to_one_process_stops_all_at_the_same_step(run_processes):
    first, second = run_processes(stop_rank_one)
    assert first.signals == second.signals == [None, "SIGTERM", "SIGTERM"]
    assert first.times == second.times
    assert first.times == sorted(set(first.times))
