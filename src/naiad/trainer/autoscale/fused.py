"""Fused optimizer: one kernel for the update of all weights, unless a loop over them is faster here."""

from naiad.trainer.autoscale.fastest import choose_fastest
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan

LEAST_STEPS = 200
"""Steps that the budget must have room for. An update is a small part of a step: only a long run repays the measurement."""


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    if timed.plan.fused == "off":  # off by rule: torch has no such kernel
        return timed
    setup.budget.require(LEAST_STEPS * timed.step_s)
    return choose_fastest(timed, "fused", ("on", "off"), "the faster update of the two", setup)
