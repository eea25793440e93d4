"""torch.compile: only where the run is long enough to repay the compiler."""

from dataclasses import replace

from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

COMPILER_S = 30.0
"""What the compiler may take; a run whose budget is less does not try it."""
MARGIN = 0.05


def choose(plan: Plan, measuring: Measuring) -> Plan:
    if not measuring.budget.affords(COMPILER_S):
        return plan
    with measuring.budget.spending():
        eager_s = measuring.bench.step_seconds(plan)
        try:
            compiled_s = measuring.bench.step_seconds(replace(plan, compile="on"))
        except Exception as error:  # noqa: BLE001  # reason: a compiler may fail in any way; the run goes on without it
            what = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
            return plan.with_choice("compile", "off", Reason(f"torch.compile failed: {what}"))
    tried = (
        Measurement("off", f"{eager_s * 1e3:.2f} ms a step"),
        Measurement("on", f"{compiled_s * 1e3:.2f} ms a step"),
    )
    faster = compiled_s < (1 - MARGIN) * eager_s
    why = "compiled steps are faster, and the run is long" if faster else "compiled steps are not faster"
    return plan.with_choice("compile", "on" if faster else "off", Reason(why, measurements=tried))
