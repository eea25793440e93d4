"""One optimisation step: forward, backward, clip, update; with smaller microbatches when memory is short.

A step either updates the weights once, or raises and leaves them as they were.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from naiad.errors import MemoryExhausted
from naiad.trainer.data.batches import Batch
from naiad.trainer.nets import is_batchnorm_size_error
from naiad.trainer.optim.losses import LossFunction
from naiad.trainer.optim.optimizers import set_learning_rate
from naiad.trainer.plan.plan import Plan


class NonFiniteLoss(Exception):  # reason: a signal to the loop, which rolls back or raises LossNotFinite
    """A batch has a loss or a gradient norm that is not finite. ``indices``: its samples in the split."""

    def __init__(self, indices: Tensor) -> None:
        super().__init__("loss is not finite")
        self.indices = indices


@dataclass
class Stepper:
    """Makes the steps of a run."""

    net: nn.Module
    features: nn.Module
    loss: LossFunction
    optimizer: torch.optim.Optimizer
    plan: Plan
    microbatch_size: int
    """Most samples of a forward pass. A step halves it, for good, each time a microbatch does not fit into memory."""

    def step(self, batch: Batch, rate: float) -> float:
        """Updates the weights and returns the batch's mean loss.

        Raises NonFiniteLoss before any update, MemoryExhausted when a single sample does not fit.
        """
        set_learning_rate(self.optimizer, rate)
        loss = self.compute_gradients_within_memory(batch)
        if self.plan.clip_norm is not None:
            norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.plan.clip_norm)
            if not math.isfinite(norm.item()):
                raise NonFiniteLoss(batch.indices)
        self.optimizer.step()
        return loss

    def compute_gradients_within_memory(self, batch: Batch) -> float:
        """Calls ``compute_gradients`` with ever smaller microbatches until they fit into memory."""
        while True:
            try:
                return self.compute_gradients(batch)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._halve_microbatch(len(batch), error)

    def compute_gradients(self, batch: Batch) -> float:
        """Fills ``.grad`` and returns the loss: the means over the batch, or the part of a slice in these means."""
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for raw, targets in self._microbatches(batch):
            loss = self.compute_loss(raw, targets)
            if len(raw) < batch.global_size:
                loss = loss * (len(raw) / batch.global_size)
            value = loss.item()
            if not math.isfinite(value):
                raise NonFiniteLoss(batch.indices)
            loss.backward()  # type: ignore[no-untyped-call]  # reason: torch leaves it untyped
            total += value
        return total

    def compute_loss(self, raw: Tensor, targets: Tensor | None) -> Tensor:
        """The mean loss of samples: raw (B, *sample_shape), targets (B,) or None."""
        device = torch.device(self.plan.device)
        inputs = self.features(raw.to(device, non_blocking=True))
        if self.plan.memory_format == "channels_last" and inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        targets = targets.to(device, non_blocking=True) if targets is not None else None
        try:
            with torch.autocast(device.type, torch.bfloat16, enabled=self.plan.precision == "bf16"):
                return self.loss(self.net, inputs, targets)
        except ValueError as error:
            if self.microbatch_size < self.plan.microbatch_size and is_batchnorm_size_error(error):
                raise _memory_exhausted("two samples do not fit in memory, which BatchNorm needs") from error
            raise

    def _microbatches(self, batch: Batch) -> list[tuple[Tensor, Tensor | None]]:
        """The fewest pieces of at most ``microbatch_size`` samples, of nearly equal size: BatchNorm needs two samples."""
        count = -(-len(batch) // self.microbatch_size)
        if count == 1:
            return [(batch.raw, batch.targets)]
        raws = torch.tensor_split(batch.raw, count)
        targets = torch.tensor_split(batch.targets, count) if batch.targets is not None else [None] * count
        return list(zip(raws, targets, strict=True))

    def _halve_microbatch(self, batch_size: int, error: BaseException | None = None) -> None:
        """batch_size: samples of the batch that did not fit."""
        self.optimizer.zero_grad(set_to_none=True)
        size = min(self.microbatch_size, batch_size)
        if size <= 1:
            raise _memory_exhausted("a single sample does not fit in memory") from error
        self.microbatch_size = (size + 1) // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: CUDA's error, Python's, or the CPU allocator's, which torch raises as a plain RuntimeError."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error) and "allocate memory" in str(error)


def _memory_exhausted(message: str) -> MemoryExhausted:
    return MemoryExhausted(message, hint="use a smaller network or smaller inputs (image_size=)")
