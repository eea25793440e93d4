"""The facts that the choice of a plan depends on: network, data, the user's choices, the time limit, earlier runs."""

from dataclasses import dataclass, replace

from naiad.trainer.autoscale.measurement_cache import MeasurementCache
from naiad.trainer.autoscale.measurement_setup import Rules, TimedPlan
from naiad.trainer.autoscale.network_probe import NetworkProbe
from naiad.trainer.autoscale.time_limit import Finalization, limit_steps
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.optim.optimizers import scale_learning_rate
from naiad.trainer.plan.plan import CHOICES, Plan
from naiad.trainer.plan.reason import Reason

_OTHER_LENGTH = 0.1
"""Fraction of the steps by which the length of a run must change for its rules to be applied again."""


@dataclass(frozen=True)
class PlanSearch:
    probe: NetworkProbe
    rules: Rules
    unmeasured: frozenset[str]
    """Choices that the user made or left to their rules."""
    ends_at: float | None
    """The time on the probe's clock when the time limit is over; None is no limit."""
    finalization: Finalization
    cache: MeasurementCache
    optimizers: tuple[str, ...] = ()
    """Optimizers between which the time of a step decides."""

    @property
    def has_time_limit(self) -> bool:
        return self.ends_at is not None

    def fit_to_time(self, timed: TimedPlan) -> TimedPlan:
        """The plan with as many steps as fit into the time that is left; the same plan without a time limit."""
        if self.ends_at is None:
            return timed
        plan, sample_s = timed.plan, timed.step_s / timed.plan.batch_size
        after_s = self.finalization.validation_s(sample_s) + self.finalization.after_training_s(sample_s)
        remaining_s = self.ends_at - self.probe.clock()
        left_s = max(
            remaining_s - after_s, remaining_s / 2
        )  # what comes after is a guess; steps are what the time is for
        per_epoch = steps_per_epoch(len(self.probe.split), plan.batch_size)
        return replace(timed, plan=limit_steps(plan, timed.step_s, left_s=left_s, steps_per_epoch=per_epoch))

    def apply_length_rules(self, plan: Plan, *, before: Plan, kept: frozenset[str]) -> Plan:
        """The plan with what the rules say for its steps, where they are not about as many as those of ``before``.

        kept: choices that stay. A learning rate that was moved with the batch size stays too, unless it is of another
        optimizer: its rule was for as many samples.
        """
        if abs(plan.total_steps / before.total_steps - 1) <= _OTHER_LENGTH:
            return plan
        optimizer = {"optimizer": plan.optimizer} if "optimizer" in kept else {}
        ruled = self.rules(plan.total_steps, {"batch_size": plan.batch_size, **optimizer})
        if plan.batch_size != before.batch_size:
            if ruled.optimizer == plan.optimizer:
                kept |= {"learning_rate"}
            ruled = _move_learning_rate(ruled, before.batch_size, plan.batch_size)
        for name, choice in CHOICES.items():
            if choice.follows_length and name not in kept:
                plan = plan.with_choice(name, getattr(ruled, name), ruled.reason(name))
        return plan


def _move_learning_rate(plan: Plan, before: int, after: int) -> Plan:
    rate = scale_learning_rate(plan.learning_rate, plan.optimizer, before=before, after=after)
    reason = Reason(f"{plan.reason('learning_rate').text}; moved with the batch size")
    return plan.with_choice("learning_rate", rate, reason)
