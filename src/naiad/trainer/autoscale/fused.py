"""Fused optimizer: one kernel for the update of all weights, unless a loop over them is faster here."""

from naiad.trainer.autoscale.fastest import fastest
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.plan.plan import Plan

LEAST_STEPS = 200
"""What the budget must have room for. An update is a small part of a step: only a long run repays the question."""


def choose(plan: Plan, measuring: Measuring) -> Plan:
    if plan.fused == "off" or not measuring.affords_steps(LEAST_STEPS):  # off by rule: torch has no such kernel
        return plan
    return fastest(plan, "fused", ("on", "off"), "the faster update of the two", measuring)
