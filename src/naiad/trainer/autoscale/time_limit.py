"""How a time limit is shared: among measuring, steps, the last validation and what comes after training."""

import time
from dataclasses import dataclass, replace

from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import SET_BY_USER, Reason

_SCORED_PART = 0.5
"""Seconds of scoring a sample, as a part of the seconds of training on one: forward only, but in fp32."""
_CHOOSING_S, _CLUSTERED_S = 1.5, 3e-5
"""Choosing a number of clusters, and k-means for each sample, where they were never timed."""
_SAVING_S, _REPORTING_S = 4.5, 3.0
"""Writing an artifact with its exported programs, and a report with its baseline, where they were never timed."""


@dataclass(frozen=True)
class Aftermath:
    """What a run does when its steps are done."""

    validation_samples: int
    test_samples: int
    saves: bool
    reports: bool = False
    clustered_samples: int = 0
    """Whose embeddings are clustered."""
    remembered_s: float | None = None
    """What the same took the last time, without the last validation."""

    def closing_s(self, sample_s: float) -> float:
        """The loop's last validation. ``sample_s``: seconds of training on a sample."""
        return self.validation_samples * sample_s * _SCORED_PART

    def finishing_s(self, sample_s: float) -> float:
        """Clustering, testing and saving."""
        if self.remembered_s is not None:
            return self.remembered_s
        written_s = _SAVING_S + (_REPORTING_S if self.reports else 0.0) if self.saves else 0.0
        clustering_s = _CHOOSING_S + self.clustered_samples * _CLUSTERED_S if self.clustered_samples else 0.0
        scored = self.clustered_samples + self.test_samples
        return scored * sample_s * _SCORED_PART + clustering_s + written_s


def deadline_for(plan: Plan, aftermath: Aftermath, step_s: float, *, ends_at: float) -> Deadline:
    """ends_at: when all is to be over, on ``time.perf_counter``. At least half of what is left is for the steps."""
    sample_s = step_s / plan.batch_size
    after_s, most_s = aftermath.finishing_s(sample_s), (ends_at - time.perf_counter()) / 2
    closing_s, may_add_steps = aftermath.closing_s(sample_s), dict(plan.reasons)["epochs"] != SET_BY_USER
    if after_s > most_s:
        return Deadline(ends_at - most_s, closing_s, may_add_steps)
    scored_steps = (after_s - aftermath.finishing_s(0.0)) / step_s
    return Deadline(ends_at - after_s, closing_s, may_add_steps, step_s=step_s, scored_steps=scored_steps)


def within_time(plan: Plan, step_s: float, *, left_s: float, steps_per_epoch: int) -> Plan:
    """The plan with as many steps as fit into ``left_s`` seconds, no more than it had when the user set the epochs."""
    fitting = max(1, int(left_s / step_s))
    wished = dict(plan.reasons)["epochs"] == SET_BY_USER
    steps = min(fitting, plan.total_steps) if wished else fitting
    reason = Reason(f"what fits into {max(0.0, left_s):.3g} s", f"{step_s * 1e3:.1f} ms a step")
    reasons = {**dict(plan.reasons), "total_steps": reason, "epochs": reason}
    return replace(plan, total_steps=steps, epochs=-(-steps // steps_per_epoch), reasons=tuple(reasons.items()))
