"""One optimisation step: forward, backward, clip, update; in smaller pieces when memory is short.

Reads top to bottom. A step either updates the weights once or raises and leaves them as they were.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from naiad.errors import MemoryExhausted
from naiad.trainer.data.batches import Batch
from naiad.trainer.nets import needs_more_samples
from naiad.trainer.optim.losses import Loss
from naiad.trainer.optim.optimizers import set_learning_rate
from naiad.trainer.plan.plan import Plan


class NonFiniteLoss(Exception):  # reason: a signal to the loop, which mends it or raises LossNotFinite
    def __init__(self, indices: Tensor) -> None:
        super().__init__("loss is not finite")
        self.indices = indices


@dataclass
class Stepper:
    """What every step of a run has in common."""

    net: nn.Module
    features: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    plan: Plan
    microbatch_size: int
    """Halved, for good, each time a batch does not fit in memory."""

    def step(self, batch: Batch, rate: float) -> float:
        """Returns the batch's mean loss. Raises NonFiniteLoss before any update, MemoryExhausted when one sample does not fit."""
        set_learning_rate(self.optimizer, rate)
        loss = self.gradients_within_memory(batch)
        if self.plan.clip_norm is not None:
            norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.plan.clip_norm)
            if not math.isfinite(norm.item()):
                raise NonFiniteLoss(batch.indices)
        self.optimizer.step()
        return loss

    def gradients_within_memory(self, batch: Batch) -> float:
        while True:
            try:
                return self.gradients(batch)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                self._halve(len(batch), error)

    def _halve(self, samples: int, error: BaseException | None = None) -> None:
        """``samples``: of the batch that did not fit."""
        self.optimizer.zero_grad(set_to_none=True)
        size = min(self.microbatch_size, samples)
        if size <= 1:
            raise _exhausted("a single sample does not fit in memory") from error
        self.microbatch_size = (size + 1) // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def gradients(self, batch: Batch) -> float:
        """Fills ``.grad`` with the mean gradient of the batch, or with its share's part of it, accumulated over microbatches."""
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for raw, targets in self._microbatches(batch):
            loss = self.forward(raw, targets)
            if len(raw) < batch.whole:
                loss = loss * (len(raw) / batch.whole)
            value = loss.item()
            if not math.isfinite(value):
                raise NonFiniteLoss(batch.indices)
            loss.backward()  # type: ignore[no-untyped-call]  # reason: torch leaves it untyped
            total += value
        return total

    def _microbatches(self, batch: Batch) -> list[tuple[Tensor, Tensor | None]]:
        """As few as hold no more than ``microbatch_size``, of nearly equal size: BatchNorm cannot do with a single sample."""
        count = -(-len(batch) // self.microbatch_size)
        if count == 1:
            return [(batch.raw, batch.targets)]
        raws = torch.tensor_split(batch.raw, count)
        targets = torch.tensor_split(batch.targets, count) if batch.targets is not None else [None] * count
        return list(zip(raws, targets, strict=True))

    def forward(self, raw: Tensor, targets: Tensor | None) -> Tensor:
        device = torch.device(self.plan.device)
        inputs = self.features(raw.to(device, non_blocking=True))
        if self.plan.memory_format == "channels_last" and inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        targets = targets.to(device, non_blocking=True) if targets is not None else None
        try:
            with torch.autocast(device.type, torch.bfloat16, enabled=self.plan.precision == "bf16"):
                return self.loss(self.net, inputs, targets)
        except ValueError as error:
            if self.microbatch_size < self.plan.microbatch_size and needs_more_samples(error):
                raise _exhausted("two samples do not fit in memory, which BatchNorm needs") from error
            raise


def _exhausted(message: str) -> MemoryExhausted:
    return MemoryExhausted(message, hint="use a smaller network or smaller inputs (--image-size)")


def out_of_memory(error: BaseException) -> bool:
    """True for CUDA's error, Python's, and the CPU allocator's, which torch raises as a plain RuntimeError."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error) and "allocate memory" in str(error)
