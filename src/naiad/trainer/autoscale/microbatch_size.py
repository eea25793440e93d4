"""Accumulation: a batch that memory does not hold at once is taken in several microbatches, from the first step on."""

from dataclasses import dataclass

from naiad.trainer.autoscale import memory
from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.optim.batchnorm import has_batchnorm_statistics
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Reason

_NORMALISED = 3
"""Least microbatch for BatchNorm: equal parts of any batch then have two samples."""


@dataclass(frozen=True)
class Room:
    """What memory holds of a step."""

    sample_bytes: float
    free_bytes: int
    least: int = 1
    """Samples that a forward pass must have."""

    @property
    def samples(self) -> int:
        return max(self.least, memory.largest_batch(self.sample_bytes, self.free_bytes))


BOUNDLESS = Room(0.0, 1 << 60)


def look(bench: Bench, plan: Plan) -> Room:
    """Costs a forward pass of a few samples."""
    least = _NORMALISED if has_batchnorm_statistics(bench.net) else 1
    return Room(bench.bytes_a_sample(plan), memory.free_bytes(plan.device), least)


def within(plan: Plan, room: Room, *, pinned: frozenset[str]) -> Plan:
    """The plan with the largest microbatch that there is room for, unless it is the user's."""
    if "microbatch_size" in pinned:
        return plan
    measured = f"{_shown(room.sample_bytes)} a sample" if room.sample_bytes else None
    if room.samples >= plan.batch_size:
        why = Reason("the whole batch; halved if memory runs out", measured)
        return plan.with_choice("microbatch_size", plan.batch_size, why)
    why = Reason("what memory holds; gradients are accumulated", f"{measured}, {_shown(room.free_bytes)} free")
    return plan.with_choice("microbatch_size", room.samples, why)


def _shown(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1_000:
            return f"{count:.3g} {unit}"
        count /= 1_000
    return f"{count:.3g} GB"
