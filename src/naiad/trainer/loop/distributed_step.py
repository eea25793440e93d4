"""One optimisation step by several processes: each has a slice of the batch, and all make the same update.

A step sends one short message, which says how each slice went, and then the gradients. All processes thus know that one of them
ran out of memory or has a loss that is not finite before any of them waits for gradients that will not come. torch's
DistributedDataParallel sends the gradients from within backward, where that is too late. Sending them that early is faster on
GPUs; this is given up here.
"""

import time
from dataclasses import dataclass, field, fields, replace
from signal import Signals

import torch
from torch import Tensor

from naiad.trainer.data.batches import Batch
from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.loop.step import NonFiniteLoss, Stepper, is_out_of_memory
from naiad.trainer.loop.stopping import StopFlag
from naiad.trainer.machine.processes import ProcessGroup


@dataclass(frozen=True)
class RankReport:
    """Result of one process's slice of a batch."""

    loss: float = 0.0
    """The slice's part of the batch's mean loss."""
    is_out_of_memory: bool = False
    is_loss_lost: bool = False
    """Its loss is not finite."""
    lacks_gradients: bool = False
    """Some weight got no gradient from the slice."""


@dataclass
class StepSync:
    """Exchanges the reports of all processes at every step, and with them stop signals and the time."""

    group: ProcessGroup
    own_stop: StopFlag
    """Set by the signals of this process."""
    common_stop: StopFlag = field(default_factory=StopFlag)
    """Set by the signals of all processes, at the same step in each of them."""
    now: float = 0.0
    """Time of rank 0 at the last step."""

    def __post_init__(self) -> None:
        self.now = self.group.on_rank_zero(time.perf_counter)

    def clock(self) -> float:
        return self.now

    def exchange(self, report: RankReport) -> list[RankReport]:
        """The reports of all processes, by rank."""
        name = self.own_stop.signal_name
        signal = float(Signals[name]) if name is not None else 0.0
        outcome = [report.loss, report.is_out_of_memory, report.is_loss_lost, report.lacks_gradients]
        messages = self.group.all_gather_numbers([*outcome, signal, time.perf_counter()])
        self.now = messages[0][5]
        common_signal = next((int(message[4]) for message in messages if message[4]), None)
        if common_signal is not None and self.common_stop.signal_name is None:
            self.common_stop.signal_name = Signals(common_signal).name
        return [RankReport(message[0], *map(bool, message[1:4])) for message in messages]


@dataclass
class DistributedStepper(Stepper):
    """A Stepper whose batches are slices: ``batch.global_size`` is the size of the whole batch."""

    sync: StepSync

    def compute_gradients_within_memory(self, batch: Batch) -> float:
        group = self.sync.group
        while True:
            reports = self.sync.exchange(self._try_slice(batch))
            if any(report.is_out_of_memory for report in reports):
                self._halve_microbatch(-(-batch.global_size // group.size))
            elif any(report.is_loss_lost for report in reports):
                rank = next(rank for rank, report in enumerate(reports) if report.is_loss_lost)
                raise NonFiniteLoss(group.all_gather(batch.indices)[rank])
            else:
                group.all_reduce_(self._gradients(some_lack=any(report.lacks_gradients for report in reports)))
                # As in DistributedDataParallel, BatchNorm's statistics are those of rank 0's slices.
                group.broadcast_(list(self.net.buffers()))
                return sum(report.loss for report in reports)

    def _try_slice(self, batch: Batch) -> RankReport:
        try:
            loss = self.compute_gradients(batch)
        except NonFiniteLoss:
            return RankReport(is_loss_lost=True)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return RankReport(is_out_of_memory=True)
        return RankReport(loss, lacks_gradients=any(weight.grad is None for weight in self._weights()))

    def _gradients(self, *, some_lack: bool) -> list[Tensor]:
        """Gradients of the weights that got one in any process; other weights have none in all of them."""
        weights = self._weights()
        if some_lack:
            has_gradient = self.sync.group.all_gather([weight.grad is not None for weight in weights])
            for weight, in_any in zip(weights, map(any, zip(*has_gradient, strict=True)), strict=True):
                if in_any and weight.grad is None:
                    weight.grad = torch.zeros_like(weight)
        return [weight.grad for weight in weights if weight.grad is not None]

    def _weights(self) -> list[Tensor]:
        return [weight for weight in self.net.parameters() if weight.requires_grad]


def distribute_step(
    stepper: Stepper, group: ProcessGroup, own_stop: StopFlag, deadline: Deadline | None
) -> tuple[StopFlag, DistributedStepper, Deadline | None]:
    """Returns what a loop of several processes uses: a common stop flag, the stepper, and a deadline on rank 0's clock."""
    sync = StepSync(group, own_stop)
    values = {part.name: getattr(stepper, part.name) for part in fields(Stepper)}
    common_deadline = replace(deadline, clock=sync.clock) if deadline is not None else None
    return sync.common_stop, DistributedStepper(**values, sync=sync), common_deadline
