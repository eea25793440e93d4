"""From a plan by rules to the plan that a run follows: what may be measured is, within its part of the run's time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from naiad.trainer.autoscale import batch_size, budget, forecast, learning_rate, microbatch_size
from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.autoscale.budget import Budget
from naiad.trainer.autoscale.measure import BY_LENGTH, CHOICES, told, tune
from naiad.trainer.autoscale.measurement_cache import Recalled, Remembered
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.autoscale.microbatch_size import BOUNDLESS, Room
from naiad.trainer.autoscale.time_limit import Aftermath, within_time
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.optim.batchnorm import has_batchnorm_statistics
from naiad.trainer.optim.optimizers import scale_learning_rate
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Reason

LEAST_STEPS = 600
"""A shorter run is over before measuring has paid for itself."""
GLANCED = range(100, 2_000)
"""Steps of a run with a time limit in which batches may be doubled without measuring the gradient's noise: of a shorter one
too few would be left, a longer one has the time to measure.
"""
LEARNT = (*CHOICES, "optimizer")
"""What is remembered of measuring; the optimizer, as a learning rate is one optimizer's."""
_BY_STEPS = (
    "optimizer",
    "learning_rate",
    "momentum",
    "weight_decay",
    "schedule",
    "warmup_fraction",
    "batchnorm_momentum",
)
"""What the rules make another choice of in a longer or shorter run."""
_OTHER_LENGTH = 0.1
"""Part of the steps by which a run's length must change for that."""

Rules = Callable[[int, Mapping[str, Any]], Plan]
"""The plan by rules for so many steps, with what is given by name."""


@dataclass(frozen=True)
class Settled:
    plan: Plan
    measuring: Measuring | None = None
    """With what is left to measure with, and the seconds of a step; None where nothing was timed."""

    @property
    def step_s(self) -> float | None:
        return self.measuring.step_s if self.measuring is not None else None


@dataclass
class Settling:
    """What a plan is settled with."""

    bench: Bench
    rules: Rules
    pinned: frozenset[str]
    """Choices that are not measured."""
    ends_at: float | None
    """When the time limit is over, on the bench's clock."""
    aftermath: Aftermath
    remembered: Remembered

    def settle(self, plan: Plan) -> Settled:
        """``plan``: by rules; where there is a time limit, for a short run."""
        purse = Budget(self._limit_s(plan), self.bench.clock)
        with purse.spending():
            room, failed = self._room(plan)
        measuring = Measuring(self.bench, purse, 0.0, self.pinned, room, not_measured=failed)
        plan = self._within_memory(plan, measuring)
        measured = plan.measure_fraction > 0
        if self.ends_at is None and not (measured and plan.total_steps >= LEAST_STEPS):
            return Settled(_noted(plan, failed))
        recalled = self._recalled(plan, measuring)
        asks = measured and not recalled.answered | self.pinned >= frozenset(CHOICES)
        if self.ends_at is None and not asks:
            return Settled(_noted(recalled.plan, failed))
        by_rules = plan = self._timed(recalled, measuring)
        if self.ends_at is not None and measured and not recalled.answered:
            plan = self._glanced(plan, measuring)
        if asks and plan.total_steps >= LEAST_STEPS:
            plan = self._tuned(plan, by_rules, measuring, recalled)
        return Settled(_noted(self._fitted(plan, measuring), measuring.not_measured), measuring)

    def _limit_s(self, plan: Plan) -> float:
        """Of measuring. The steps that a schedule is made from are timed even where nothing else is measured."""
        if plan.time_limit_s is None:
            return float("inf")  # until it is known what a step takes
        return (plan.measure_fraction or budget.PART) * plan.time_limit_s

    def _room(self, plan: Plan) -> tuple[Room, dict[str, str]]:
        try:
            return microbatch_size.look(self.bench, plan), {}
        except Exception as error:  # noqa: BLE001  # reason: a network may fail in any way; the run finds out by itself
            return BOUNDLESS, {"microbatch_size": f"could not be measured: {told(error)}"}

    def _within_memory(self, plan: Plan, measuring: Measuring) -> Plan:
        if measuring.room is BOUNDLESS:
            return plan
        return microbatch_size.within(plan, measuring.room, pinned=self.pinned)

    def _recalled(self, plan: Plan, measuring: Measuring) -> Recalled:
        if plan.measure_fraction == 0:
            return Recalled(plan)
        found = self.remembered.recall(plan, LEARNT)
        if not found.taken:
            return found
        steps = steps_per_epoch(len(self.bench.split), found.plan.batch_size)
        reason = Reason(f"{plan.epochs} epochs of {steps} steps")
        recalled = found.plan.with_choice("total_steps", plan.epochs * steps, reason)
        if self.ends_at is None:
            recalled = self._for_its_length(recalled, plan, self.pinned | found.taken)
        return Recalled(self._within_memory(recalled, measuring), found.taken, found.answered)

    def _timed(self, recalled: Recalled, measuring: Measuring) -> Plan:
        """Sets what a step takes; the plan for as many steps as a time limit holds."""
        plan = recalled.plan
        self._time(plan, measuring, within_s=measuring.budget.limit_s)
        if self.ends_at is None:
            measuring.budget.limit_s = plan.measure_fraction * plan.total_steps * measuring.step_s
            return plan
        given = {"optimizer": plan.optimizer} if "optimizer" in recalled.taken else {}
        by_length = self._within_memory(self.rules(self._fitted(plan, measuring).total_steps, given), measuring)
        found = self._recalled(by_length, measuring).plan
        if found.optimizer != plan.optimizer and measuring.budget.left_s > 0:
            self._time(found, measuring, within_s=measuring.budget.left_s)
        return self._fitted(found, measuring)

    def _time(self, plan: Plan, measuring: Measuring, *, within_s: float) -> None:
        with measuring.budget.spending():
            timing = self.bench.timing(plan, within_s=within_s)
        measuring.step_s = timing.step_s
        measuring.budget.pay_back(timing.not_lost_s)

    def _glanced(self, plan: Plan, measuring: Measuring) -> Plan:
        if plan.total_steps not in GLANCED or self.pinned & {"epochs", "batch_size"}:
            return plan
        found = self._fitted(batch_size.glance(plan, measuring), measuring)
        if not has_batchnorm_statistics(self.bench.net):  # the rest of the rules for so few steps is the same
            return found
        return self._for_its_length(found, plan, self.pinned)

    def _tuned(self, plan: Plan, by_rules: Plan, measuring: Measuring, recalled: Recalled) -> Plan:
        purse, forecasts = measuring.budget, self.ends_at is not None and not forecast.is_too_short(plan)
        kept_s = forecast.PART / (plan.measure_fraction or budget.PART) * purse.limit_s if forecasts else 0.0
        purse.limit_s -= kept_s
        before = plan
        plan = tune(plan, measuring, known=recalled.answered | BY_LENGTH)
        plan = self._fitted(plan, measuring)
        plan = self._for_its_length(plan, before, self.pinned | recalled.taken)
        if "learning_rate" not in self.pinned | recalled.answered:
            with purse.spending():
                measuring.shorter_rate = self._shorter_rate(plan)
        plan = tune(plan, measuring, known=recalled.answered | (frozenset(CHOICES) - BY_LENGTH))
        purse.limit_s += kept_s
        learnt = _changed(by_rules, plan)
        of_one = ["optimizer"] if "learning_rate" in learnt else []
        self.remembered.keep_choices(plan, learnt + of_one, answered=measuring.answered)
        return plan

    def _shorter_rate(self, plan: Plan) -> float:
        given = {"optimizer": plan.optimizer, "batch_size": plan.batch_size}
        short, long = (self.rules(steps, given).learning_rate for steps in (learning_rate.STEPS, plan.total_steps))
        return short / long

    def _for_its_length(self, plan: Plan, before: Plan, kept: frozenset[str]) -> Plan:
        """What the rules say of so many steps, where they are not about as many as ``before``.

        A learning rate that has moved with the batch size stays, unless it is of another optimizer: its rule was for as many
        samples.
        """
        if abs(plan.total_steps / before.total_steps - 1) <= _OTHER_LENGTH:
            return plan
        given = {"batch_size": plan.batch_size, **({"optimizer": plan.optimizer} if "optimizer" in kept else {})}
        ruled = self.rules(plan.total_steps, given)
        if plan.batch_size != before.batch_size:
            if ruled.optimizer == plan.optimizer:
                kept |= {"learning_rate"}
            rate = scale_learning_rate(ruled.learning_rate, ruled.optimizer, before=before.batch_size, after=plan.batch_size)
            why = Reason(f"{dict(ruled.reasons)['learning_rate'].text}; moved with the batch size")
            ruled = ruled.with_choice("learning_rate", rate, why)
        reasons = dict(ruled.reasons)
        for name in _BY_STEPS:
            if name not in kept:
                plan = plan.with_choice(name, getattr(ruled, name), reasons[name])
        return plan

    def _fitted(self, plan: Plan, measuring: Measuring) -> Plan:
        if self.ends_at is None:
            return plan
        sample_s = measuring.step_s / plan.batch_size
        after_s = self.aftermath.closing_s(sample_s) + self.aftermath.finishing_s(sample_s)
        remaining_s = self.ends_at - self.bench.clock()
        left_s = max(
            remaining_s - after_s, remaining_s / 2
        )  # what comes after is a guess; steps are what the time is for
        per_epoch = steps_per_epoch(len(self.bench.split), plan.batch_size)
        return within_time(plan, measuring.step_s, left_s=left_s, steps_per_epoch=per_epoch)


def with_spent(plan: Plan, measuring: Measuring) -> Plan:
    """The plan that says how long was measured, and how long might have been."""
    why = dict(plan.reasons).get("measure_fraction", Reason(""))
    few = f"; fewer than {LEAST_STEPS} steps: too few for more" if plan.total_steps < LEAST_STEPS else ""
    return plan.with_choice("measure_fraction", plan.measure_fraction, Reason(why.text + few, measuring.budget.told()))


def _changed(before: Plan, after: Plan) -> list[str]:
    """What measuring has said something of."""
    old, new = dict(before.reasons), dict(after.reasons)
    return [name for name in CHOICES if new.get(name) != old.get(name)]


def _noted(plan: Plan, notes: dict[str, str]) -> Plan:
    """Why a choice is still the rule's."""
    for name, note in notes.items():
        why = dict(plan.reasons).get(name, Reason(""))
        plan = plan.with_choice(
            name, getattr(plan, name), Reason(why.text, f"{why.measured}; {note}" if why.measured else note)
        )
    return plan
