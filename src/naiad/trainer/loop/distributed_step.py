"""One optimisation step by several processes: each has its share of the batch, all make the same update.

A step is one short message (what became of each share), then the gradients. So all know that somebody ran out of memory or lost
the loss before anybody waits for gradients that will not come. torch's DistributedDataParallel sends them from within backward,
where that is too late; what it gains by sending early matters on GPUs, and is given up here.
"""

import time
from dataclasses import dataclass, field, fields, replace
from signal import Signals

import torch
from torch import Tensor

from naiad.trainer.data.batches import Batch
from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.loop.step import NonFiniteLoss, Stepper, out_of_memory
from naiad.trainer.loop.stopping import StopRequest
from naiad.trainer.machine.processes import Group


@dataclass(frozen=True)
class Told:
    """What became of one process's share."""

    loss: float = 0.0
    """Its part of the batch's mean loss."""
    out_of_memory: bool = False
    lost: bool = False
    """Its loss is not finite."""
    lacks_gradients: bool = False
    """Some weight took no part in it."""


@dataclass
class Pulse:
    """What the processes tell each other at every step, besides: whether one was asked to stop, and what time it is."""

    group: Group
    asked: StopRequest
    """What this process has heard."""
    stop: StopRequest = field(default_factory=StopRequest)
    """What any of them has heard, at the same step in all of them."""
    now: float = 0.0
    """On the first process's clock, at the last step."""

    def __post_init__(self) -> None:
        self.now = self.group.by_first(time.perf_counter)

    def clock(self) -> float:
        return self.now

    def beat(self, mine: Told) -> list[Told]:
        name = self.asked.signal_name
        number = float(Signals[name]) if name is not None else 0.0
        said = [mine.loss, mine.out_of_memory, mine.lost, mine.lacks_gradients, number, time.perf_counter()]
        heard = self.group.gather_numbers(said)
        self.now = heard[0][5]
        signal = next((int(one[4]) for one in heard if one[4]), None)
        if signal is not None and self.stop.signal_name is None:
            self.stop.signal_name = Signals(signal).name
        return [Told(one[0], bool(one[1]), bool(one[2]), bool(one[3])) for one in heard]


@dataclass
class SharedStepper(Stepper):
    """A Stepper whose batches are shares: ``batch.whole`` says of how many samples."""

    pulse: Pulse

    def gradients_within_memory(self, batch: Batch) -> float:
        group = self.pulse.group
        while True:
            told = self.pulse.beat(self._tried(batch))
            if any(one.out_of_memory for one in told):
                self._halve(-(-batch.whole // group.size))
            elif any(one.lost for one in told):
                lost = next(rank for rank, one in enumerate(told) if one.lost)
                raise NonFiniteLoss(group.gather(batch.indices)[lost])
            else:
                group.sum_(self._gradients(some_lack=any(one.lacks_gradients for one in told)))
                # As DistributedDataParallel does: BatchNorm's statistics are those of the first process's shares.
                group.spread_(list(self.net.buffers()))
                return sum(one.loss for one in told)

    def _tried(self, batch: Batch) -> Told:
        try:
            loss = self.gradients(batch)
        except NonFiniteLoss:
            return Told(lost=True)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            return Told(out_of_memory=True)
        return Told(loss, lacks_gradients=any(weight.grad is None for weight in self._weights()))

    def _gradients(self, *, some_lack: bool) -> list[Tensor]:
        """Of the weights that took part in any process's share; the others have none in all of them."""
        weights = self._weights()
        if some_lack:
            have = self.pulse.group.gather([weight.grad is not None for weight in weights])
            for weight, anybody in zip(weights, map(any, zip(*have, strict=True)), strict=True):
                if anybody and weight.grad is None:
                    weight.grad = torch.zeros_like(weight)
        return [weight.grad for weight in weights if weight.grad is not None]

    def _weights(self) -> list[Tensor]:
        return [weight for weight in self.net.parameters() if weight.requires_grad]


def shared(
    stepper: Stepper, group: Group, asked: StopRequest, deadline: Deadline | None
) -> tuple[StopRequest, SharedStepper, Deadline | None]:
    """What a loop of several processes has in the place of these: one stop for all, and the first process's clock."""
    pulse = Pulse(group, asked)
    parts = {part.name: getattr(stepper, part.name) for part in fields(Stepper)}
    timed = replace(deadline, clock=pulse.clock) if deadline is not None else None
    return pulse.stop, SharedStepper(**parts, pulse=pulse), timed
