"""The plan of a trial: that of trial 0, with the trial's values, and with what follows from them by rule.

Choices about the machine stay as they are. What belongs to an optimizer stays while the optimizer does. Without a value of its
own, the learning rate moves with the batch size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from naiad.errors import OptionError
from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.optim.optimizers import scale_learning_rate
from naiad.trainer.plan.overrides import check_microbatch
from naiad.trainer.plan.plan import CHOICES, Plan
from naiad.trainer.plan.reason import SET_BY_USER, Reason
from naiad.trainer.tuning.halving import Rungs
from naiad.trainer.tuning.targets import TrialChoices

_OF_OPTIMIZER = ("learning_rate", "momentum", "weight_decay", "warmup_fraction", "muon_precision")
_OF_LENGTH = ("epochs", "total_steps", "batchnorm_momentum")
"""Choices that follow from the number of steps."""
_NEVER = ("time_limit_s", "schedule_adjustments", "microbatch_history", "seed", "microbatch_size", "total_steps")


@dataclass(frozen=True)
class TrialPlanner:
    base: Plan
    """Trial 0's plan, which ``fit`` would have followed."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Choices that the user keeps in every trial."""
    rungs: Rungs = field(default_factory=Rungs)
    network_output: str = "logits"

    def base_plan(self, *, seed: int) -> Plan:
        """Trial 0's plan, or a repetition of it with another seed."""
        return replace(self.base, seed=seed)

    def make(self, net: nn.Module, dataset: Dataset, choices: TrialChoices, *, seed: int, number: int) -> Plan:
        """Raises OptionError where the values do not go together."""
        kept = self._kept(choices)
        given = {**kept, **self.overrides, **choices.plan, "measure_fraction": 0.0}
        plan = make_plan(net, dataset, given, seed=seed, network_output=self.network_output)
        plan = replace(plan, measure_fraction=self.base.measure_fraction)
        plan = self._move_learning_rate(plan, choices)
        for name, factor in choices.factors.items():
            plan = _with_factor(plan, name, factor)
        plan = self._limit_microbatch(plan, choices)
        check_microbatch(plan)
        plan = self._restart_at_rungs(plan, choices)
        return self._with_reasons(plan, choices, kept, number)

    def _kept(self, choices: TrialChoices) -> dict[str, Any]:
        """Returns trial 0's values of the choices that do not follow from the trial's own."""
        left_out = {*_NEVER, *choices.plan}
        if choices.plan.get("optimizer", self.base.optimizer) != self.base.optimizer:
            left_out |= {*_OF_OPTIMIZER}
        if {"epochs", "batch_size"} & choices.plan.keys():
            left_out |= {*_OF_LENGTH} - {"epochs"}
        return {name: getattr(self.base, name) for name in CHOICES if name not in left_out}

    def _move_learning_rate(self, plan: Plan, choices: TrialChoices) -> Plan:
        is_kept = plan.optimizer == self.base.optimizer and "learning_rate" not in {*choices.plan, *self.overrides}
        if not is_kept or plan.batch_size == self.base.batch_size:
            return plan
        rate = scale_learning_rate(
            self.base.learning_rate, plan.optimizer, before=self.base.batch_size, after=plan.batch_size
        )
        return plan.with_choice(
            "learning_rate", rate, Reason(f"moved with the batch size, from {self.base.batch_size}")
        )

    def _limit_microbatch(self, plan: Plan, choices: TrialChoices) -> Plan:
        if {"microbatch_size"} & {*choices.plan, *self.overrides}:
            return plan
        is_limited = self.base.microbatch_size < self.base.batch_size
        size = min(plan.batch_size, self.base.microbatch_size) if is_limited else plan.batch_size
        return plan.with_choice("microbatch_size", size, self.base.reason("microbatch_size"))

    def _restart_at_rungs(self, plan: Plan, choices: TrialChoices) -> Plan:
        """The schedule ends at each rung, so that the score there is that of a finished short run."""
        if not self.rungs.epochs or {"restarts"} & {*choices.plan, *self.overrides}:
            return plan
        reason = Reason("the trial may be paused there, and is judged by its score")
        return plan.with_choice("restarts", self.rungs.epochs, reason)

    def _with_reasons(self, plan: Plan, choices: TrialChoices, kept: Mapping[str, Any], number: int) -> Plan:
        reasons = dict(plan.reasons)
        for name in kept:
            if name not in self.overrides and reasons[name] == SET_BY_USER:
                reasons[name] = self.base.reason(name)
        for name in choices.plan:
            reasons[name] = Reason(f"the value of trial {number}")
        return replace(plan, reasons=tuple(reasons.items()))


def check_fixed(overrides: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raises OptionError for a choice that is kept and searched at once."""
    for name in names:
        if name in overrides:
            raise OptionError(
                f"{name} is kept as {overrides[name]} and is in the space", hint="leave one of the two out"
            )


def _with_factor(plan: Plan, name: str, factor: float) -> Plan:
    value = getattr(plan, name) * factor
    return plan.with_choice(name, value, Reason(f"{factor:.3g} times the usual {getattr(plan, name):.3g}"))
