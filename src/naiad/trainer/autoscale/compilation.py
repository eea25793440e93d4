"""torch.compile: only where the run is long enough to repay the compiler."""

from dataclasses import replace

from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.plan.reason import Measurement, Reason

COMPILER_S = 30.0
"""Seconds that the compiler may take; a run with a smaller budget does not try it."""
MARGIN = 0.05


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    plan = timed.plan
    setup.budget.require(COMPILER_S)
    with setup.budget.charge():
        eager_s = setup.probe.step_seconds(plan)
        try:
            compiled_s = setup.probe.step_seconds(replace(plan, compile="on"))
        except Exception as error:  # noqa: BLE001  # reason: a compiler may fail in any way; the run goes on without it
            message = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
            return replace(timed, plan=plan.with_choice("compile", "off", Reason(f"torch.compile failed: {message}")))
    measurements = tuple(
        Measurement(value, f"{step_s * 1e3:.2f} ms a step") for value, step_s in (("off", eager_s), ("on", compiled_s))
    )
    is_faster = compiled_s < (1 - MARGIN) * eager_s
    why = "compiled steps are faster, and the run is long" if is_faster else "compiled steps are not faster"
    reason = Reason(why, measurements=measurements)
    return replace(timed, plan=plan.with_choice("compile", "on" if is_faster else "off", reason))
