"""Precision: bf16 where the hardware has units for it, it is faster, and loss and gradients agree with fp32."""

from dataclasses import replace

from naiad.trainer.autoscale.agreement import measure_agreement
from naiad.trainer.autoscale.fastest import choose_fastest
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.machine import device
from naiad.trainer.plan.reason import Reason

_STEPS = 6
"""Cost of the comparison of the two formats, in steps."""


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    plan = timed.plan
    if not device.has_bf16(plan.device):
        return timed
    setup.budget.require(_STEPS * timed.step_s)
    with setup.budget.charge():
        agreement = measure_agreement(setup.probe, replace(plan, precision="fp32"), replace(plan, precision="bf16"))
    if not agreement.is_close:
        reason = Reason("bf16 does not agree with fp32 on this network", str(agreement))
        return replace(timed, plan=plan.with_choice("precision", "fp32", reason))
    other = {"fp32": "bf16", "bf16": "fp32"}[plan.precision]
    why = f"the faster of the two, which agree: {agreement}"
    return choose_fastest(timed, "precision", (plan.precision, other), why, setup)
