"""The shares of a time limit: for measuring, steps, the last validation, and what comes after training."""

import time
from dataclasses import dataclass, replace

from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Reason

_SCORING_FRACTION = 0.5
"""Seconds of scoring a sample, in units of the seconds of training on one: forward only, but in fp32."""
_CLUSTER_CHOICE_S, _CLUSTERING_S = 1.5, 3e-5
"""Seconds to choose the number of clusters, and of k-means for each sample, where they were never timed."""
_SAVING_S, _REPORT_S = 4.5, 3.0
"""Seconds to write an artifact with its exported programs, and a report with its baseline, where they were never timed."""


@dataclass(frozen=True)
class Finalization:
    """The work of a run after its steps: the last validation, clustering, test, saving, report."""

    validation_samples: int
    test_samples: int
    saves: bool
    reports: bool = False
    clustered_samples: int = 0
    """Samples whose embeddings are clustered."""
    cached_s: float | None = None
    """Seconds that the same took in an earlier run, without the last validation."""

    def validation_s(self, sample_s: float) -> float:
        """Seconds of the last validation. ``sample_s``: seconds of training on a sample."""
        return self.validation_samples * sample_s * _SCORING_FRACTION

    def after_training_s(self, sample_s: float) -> float:
        """Seconds of clustering, test, saving and report."""
        if self.cached_s is not None:
            return self.cached_s
        writing_s = _SAVING_S + (_REPORT_S if self.reports else 0.0) if self.saves else 0.0
        clustering_s = _CLUSTER_CHOICE_S + self.clustered_samples * _CLUSTERING_S if self.clustered_samples else 0.0
        scored_samples = self.clustered_samples + self.test_samples
        return scored_samples * sample_s * _SCORING_FRACTION + clustering_s + writing_s


def make_deadline(plan: Plan, finalization: Finalization, step_s: float, *, ends_at: float) -> Deadline:
    """The deadline of the loop. At least half of the time that is left is for the steps.

    ends_at: when everything is to be over, on ``time.perf_counter``.
    """
    sample_s, half_s = step_s / plan.batch_size, (ends_at - time.perf_counter()) / 2
    after_s, validation_s = finalization.after_training_s(sample_s), finalization.validation_s(sample_s)
    may_add_steps = not plan.is_set_by_user("epochs")
    if after_s > half_s:
        return Deadline(ends_at - half_s, validation_s, may_add_steps)
    scoring_steps = (after_s - finalization.after_training_s(0.0)) / step_s
    return Deadline(ends_at - after_s, validation_s, may_add_steps, step_s=step_s, scoring_steps=scoring_steps)


def limit_steps(plan: Plan, step_s: float, *, left_s: float, steps_per_epoch: int) -> Plan:
    """The plan with as many steps as fit into ``left_s`` seconds, but no more than the epochs that the user set."""
    steps = max(1, int(left_s / step_s))
    if plan.is_set_by_user("epochs"):
        steps = min(steps, plan.total_steps)
    reason = Reason(f"as many as fit into {max(0.0, left_s):.3g} s", f"{step_s * 1e3:.1f} ms a step")
    reasons = {**dict(plan.reasons), "total_steps": reason, "epochs": reason}
    return replace(plan, total_steps=steps, epochs=-(-steps // steps_per_epoch), reasons=tuple(reasons.items()))
