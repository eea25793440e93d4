"""A step by several processes: one update, whatever becomes of a share."""

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


class Hungry(nn.Module):
    """Runs out of memory for more than ``most`` samples."""

    def __init__(self, most):
        super().__init__()
        self.most, self.linear = most, nn.Linear(5, 3)

    def forward(self, inputs):
        if len(inputs) > self.most:
            raise torch.OutOfMemoryError("no memory for this")
        return self.linear(inputs)


class Forked(nn.Module):
    """``left`` sees a share that begins with a positive number, ``right`` the others, ``idle`` none."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.idle = (nn.Linear(5, 3) for _ in range(3))

    def forward(self, inputs):
        return (self.left if inputs[0, 0] > 0 else self.right)(inputs)


def a_batch(share=None, *, samples=13):
    generator = torch.Generator().manual_seed(0)
    raw, targets = torch.randn(samples, 5, generator=generator), torch.arange(samples) % 3
    if share is None:
        return Batch(torch.arange(samples), raw, targets)
    own = share.of(samples)
    return Batch(torch.arange(samples)[own], raw[own].clone(), targets[own], samples)


def stepper_for(net, **choices):
    plan = replace(PLAN, **choices)
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=0.1)
    return Stepper(net, nn.Identity(), make_loss(Task.CLASSIFICATION), optimizer, plan, plan.microbatch_size)


def shared_steps(kind, *, steps=3, spoil_rank=None, most=(99, 99), choices=None):
    """Steps of the network ``kind`` by this process, and all that can be said of them."""
    with join_process_group() as group:
        torch.manual_seed(0)
        makers = {"linear": lambda: nn.Linear(5, 3), "forked": Forked, "hungry": lambda: Hungry(most[group.rank])}
        net = makers[kind]()
        _, stepper, _ = distribute_step(stepper_for(net, **(choices or {})), group, StopFlag(), None)
        batch, lost = a_batch(BatchSlice(group.rank, group.size)), None
        if spoil_rank == group.rank:
            batch.raw[0, 0] = float("nan")
        losses = []
        try:
            losses = [stepper.step(batch, 0.2) for _ in range(steps)]
        except NonFiniteLoss as error:
            lost = error.indices
        state = {name: value.clone() for name, value in net.state_dict().items()}
        idle = net.idle.weight.grad is None if kind == "forked" else None
        return {"state": state, "losses": losses, "lost": lost, "micro": stepper.microbatch_size, "idle": idle}


def normed_steps():
    with join_process_group() as group:
        torch.manual_seed(0)
        net = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 3))
        _, stepper, _ = distribute_step(stepper_for(net), group, StopFlag(), None)
        batch = a_batch(BatchSlice(group.rank, group.size))
        stepper.step(batch, 0.2)
        return {"state": dict(net.state_dict()), "mean": batch.raw.mean(0)}


def same_bits(one, other):
    return all(torch.equal(one["state"][name], other["state"][name]) for name in one["state"])


def alone(net, *, steps=3, **choices):
    stepper = stepper_for(net, **choices)
    return [stepper.step(a_batch(), 0.2) for _ in range(steps)]


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("choices", [{}, {"clip_norm": 0.05}, {"microbatch_size": 4}])
def test_shares_make_the_step_of_the_whole_batch(together, size, choices):
    torch.manual_seed(0)
    net = nn.Linear(5, 3)
    losses = alone(net, **choices)
    found = together(shared_linear, choices, size=size)
    for one in found:
        assert one["losses"] == pytest.approx(losses)
        assert same_bits(one, found[0])
        torch.testing.assert_close(one["state"]["weight"], net.weight.detach())


def shared_linear(choices):
    return shared_steps("linear", choices=choices)


def shared_hungry(most):
    return shared_steps("hungry", most=most)


def test_out_of_memory_in_one_halves_the_microbatch_of_all(together):
    torch.manual_seed(0)
    plain = Hungry(99)
    alone(plain)
    first, second = together(shared_hungry, (99, 2))
    assert first["micro"] == second["micro"] == 2
    assert same_bits(first, second)
    torch.testing.assert_close(first["state"]["linear.weight"], plain.linear.weight.detach())


def test_a_sample_too_many_for_one_is_an_error_in_all(together):
    for error in together(shared_hungry, (99, 0)):
        assert isinstance(error, MemoryExhausted)


def spoiled(rank):
    return shared_steps("linear", spoil_rank=rank)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_loss_lost_in_one_is_lost_in_all_and_changes_no_weight(together, rank):
    torch.manual_seed(0)
    before = nn.Linear(5, 3).weight
    for one in together(spoiled, rank):
        assert torch.equal(one["lost"], torch.arange(13)[BatchSlice(rank, 2).of(13)]), (
            "the samples of the one that lost it"
        )
        assert torch.equal(one["state"]["weight"], before)


def forked():
    return shared_steps("forked")


def test_weights_that_only_one_process_used_are_learnt_by_all_and_those_of_none_by_none(together):
    torch.manual_seed(0)
    net = Forked()
    before = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), 0.2, momentum=0.9, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        for rank in range(2):
            part = a_batch(BatchSlice(rank, 2))
            (nn.functional.cross_entropy(net(part.raw), part.targets) * len(part) / 13).backward()
        optimizer.step()
    first, second = together(forked)
    assert first["idle"]
    assert second["idle"]
    assert same_bits(first, second)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(first["state"][name], value)
    assert torch.equal(first["state"]["idle.weight"], before.idle.weight), "no weight decay either"


def test_batchnorm_keeps_the_statistics_of_the_first(together):
    first, second = together(normed_steps)
    assert same_bits(first, second)
    torch.testing.assert_close(first["state"]["0.running_mean"], first["mean"] * 0.1)


def asked_to_stop():
    """The second is, in its second step."""
    with join_process_group() as group, catch_stop_signals() as asked:
        net = nn.Linear(5, 3)
        deadline = Deadline(at=10.0, closing_s=0.0)
        stop, stepper, timed = distribute_step(stepper_for(net), group, asked, deadline)
        seen, times = [], []
        for step in range(3):
            if group.rank == 1 and step == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            stepper.step(a_batch(BatchSlice(group.rank, group.size)), 0.1)
            seen.append(stop.signal_name)
            times.append(timed.clock())
        return SimpleNamespace(seen=seen, times=times)


def test_a_stop_of_one_is_heard_by_all_at_the_same_step_and_they_share_a_clock(together):
    first, second = together(asked_to_stop)
    assert first.seen == second.seen == [None, "SIGTERM", "SIGTERM"]
    assert first.times == second.times
    assert first.times == sorted(set(first.times))
