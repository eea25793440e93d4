"""One step: gradients, clipping, and smaller microbatches when memory is short."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.errors import MemoryExhausted
from naiad.trainer.data.batches import Batch
from naiad.trainer.data.dataset import Task
from naiad.trainer.loop.step import NonFiniteLoss, Stepper, is_out_of_memory
from naiad.trainer.optim.losses import make_loss
from naiad.trainer.plan.plan import Plan

PLAN = Plan(
    epochs=1, total_steps=100, time_limit_s=None, checkpoint_steps=10, batch_size=12, microbatch_size=12, optimizer="sgd",
    learning_rate=0.5, momentum=0.9, weight_decay=0.0, schedule="one-cycle", warmup_fraction=0.2, clip_norm=None,
    label_smoothing=0.0, augment=(), precision="fp32", memory_format="contiguous", feed="memory", keep_weights="last",
    ema=None, clusters=None, device="cpu", threads=1, seed=0,
)  # fmt: skip


class LimitedMemory(nn.Module):
    """Fails like torch's CPU allocator for batches above ``limit``."""

    def __init__(self, limit):
        super().__init__()
        self.limit, self.linear = limit, nn.Linear(5, 3)

    def forward(self, inputs):
        if len(inputs) > self.limit:
            torch.empty(2**62, dtype=torch.uint8)
        return self.linear(inputs)


def make_stepper(net, *, microbatch=12, **plan):
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    return Stepper(net, nn.Identity(), make_loss(Task.CLASSIFICATION), optimizer, replace(PLAN, **plan), microbatch)


def make_batch(count=12):
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.arange(count), torch.randn(count, 5, generator=generator), torch.arange(count) % 3)


def linear():
    torch.manual_seed(0)
    return nn.Linear(5, 3)


def test_a_step_is_plain_sgd():
    ours, plain = linear(), linear()
    batch = make_batch()
    loss = make_stepper(ours).step(batch, rate=0.2)
    expected = nn.functional.cross_entropy(plain(batch.raw), batch.targets)
    expected.backward()
    assert loss == pytest.approx(expected.item())
    torch.testing.assert_close(ours.weight, plain.weight - 0.2 * plain.weight.grad)


@pytest.mark.parametrize("microbatch", [1, 5, 6])
def test_accumulated_gradients_are_those_of_the_whole_batch(microbatch):
    whole, pieces = linear(), linear()
    first = make_stepper(whole).step(make_batch(), rate=0.2)
    second = make_stepper(pieces, microbatch=microbatch).step(make_batch(), rate=0.2)
    assert first == pytest.approx(second)
    torch.testing.assert_close(whole.weight, pieces.weight)


def test_the_gradient_norm_is_clipped():
    net = linear()
    before = net.weight.detach().clone(), net.bias.detach().clone()
    make_stepper(net, clip_norm=0.01).step(make_batch(), rate=1.0)
    moved = torch.cat([(net.weight - before[0]).flatten(), net.bias - before[1]]).norm()
    assert moved.item() == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_changes_no_weight(bad):
    net = linear()
    before = net.weight.detach().clone()
    batch = make_batch()
    batch.raw[3, 0] = bad
    with pytest.raises(NonFiniteLoss) as raised:
        make_stepper(net).step(batch, rate=0.1)
    assert torch.equal(net.weight, before)
    assert torch.equal(raised.value.indices, batch.indices)


def test_out_of_memory_halves_the_microbatch_and_retries_the_same_batch():
    torch.manual_seed(0)
    limited, plain = LimitedMemory(4), LimitedMemory(99)
    plain.load_state_dict(limited.state_dict())
    stepper = make_stepper(limited)
    stepper.step(make_batch(), rate=0.2)
    make_stepper(plain).step(make_batch(), rate=0.2)
    assert stepper.microbatch_size == 3
    torch.testing.assert_close(limited.linear.weight, plain.linear.weight)


def test_a_single_sample_that_does_not_fit_is_an_error():
    with pytest.raises(MemoryExhausted, match="a single sample"):
        make_stepper(LimitedMemory(0)).step(make_batch(), rate=0.2)


def test_halving_ends_at_two_samples_where_batchnorm_needs_them():
    net = LimitedMemory(1)
    net.linear = nn.Sequential(net.linear, nn.BatchNorm1d(3))
    with pytest.raises(MemoryExhausted, match="two samples do not fit in memory, which BatchNorm needs"):
        make_stepper(net).step(make_batch(), rate=0.2)


def test_other_errors_are_not_out_of_memory():
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert is_out_of_memory(MemoryError())
