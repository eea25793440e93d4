"""Gradient accumulation: a batch that does not fit into memory is taken in several microbatches, from the first step on."""

from dataclasses import dataclass

from naiad.trainer.autoscale import memory
from naiad.trainer.autoscale.network_probe import NetworkProbe
from naiad.trainer.optim.batchnorm import has_batchnorm_statistics
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Reason

_LEAST_WITH_BATCHNORM = 3
"""Least microbatch for BatchNorm: equal parts of any batch then have two samples."""


@dataclass(frozen=True)
class MemoryLimit:
    """The number of samples of a step that fit into memory."""

    sample_bytes: float
    free_bytes: int
    least_samples: int = 1
    """Samples that a forward pass must have."""

    @property
    def samples(self) -> int:
        return max(self.least_samples, memory.largest_batch(self.sample_bytes, self.free_bytes))


UNKNOWN_LIMIT = MemoryLimit(0.0, 1 << 60)
"""The limit where memory could not be probed: everything fits."""


def probe_memory(probe: NetworkProbe, plan: Plan) -> MemoryLimit:
    """Costs a forward pass of a few samples."""
    least = _LEAST_WITH_BATCHNORM if has_batchnorm_statistics(probe.net) else 1
    return MemoryLimit(probe.bytes_per_sample(plan), memory.free_bytes(plan.device), least)


def limit_microbatch(plan: Plan, limit: MemoryLimit, *, unmeasured: frozenset[str]) -> Plan:
    """The plan with the largest microbatch that fits into memory, unless the user set another one."""
    if "microbatch_size" in unmeasured:
        return plan
    measured = f"{_format_bytes(limit.sample_bytes)} a sample" if limit.sample_bytes else None
    if limit.samples >= plan.batch_size:
        reason = Reason("the whole batch; halved if memory runs out", measured)
        return plan.with_choice("microbatch_size", plan.batch_size, reason)
    reason = Reason(
        "as many samples as fit into memory; gradients are accumulated",
        f"{measured}, {_format_bytes(limit.free_bytes)} free",
    )
    return plan.with_choice("microbatch_size", limit.samples, reason)


def _format_bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1_000:
            return f"{count:.3g} {unit}"
        count /= 1_000
    return f"{count:.3g} GB"
