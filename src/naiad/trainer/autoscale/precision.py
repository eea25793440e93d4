"""Precision: bf16 where the hardware multiplies it, it is faster, and loss and gradients agree with fp32's."""

from dataclasses import replace

from naiad.trainer.autoscale.agreement import agreement
from naiad.trainer.autoscale.fastest import fastest
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.machine import device
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Reason


def choose(plan: Plan, measuring: Measuring) -> Plan:
    if not device.has_bf16(plan.device):
        return plan
    if not measuring.affords_steps(6):
        return plan
    with measuring.budget.spending():
        found = agreement(measuring.bench, replace(plan, precision="fp32"), replace(plan, precision="bf16"))
    if not found.agrees:
        return plan.with_choice(
            "precision", "fp32", Reason("bf16 does not agree with fp32 on this network", str(found))
        )
    other = {"fp32": "bf16", "bf16": "fp32"}[plan.precision]
    return fastest(plan, "precision", (plan.precision, other), f"the faster of two that agree: {found}", measuring)
