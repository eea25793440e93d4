"""The names that earlier versions wrote into plan.json, naiad.json and run.json, and this version's names for them."""

from collections.abc import Mapping
from typing import Any

CHOICES = {
    "average": "ema",
    "halvings": "microbatch_history",
    "keep": "keep_weights",
    "pace": "schedule_adjustments",
    "probe_part": "measure_fraction",
}
_REMOVED = {"forecast"}


def rename_choices(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A stored plan with this version's names, those of its reasons included."""
    renamed = {CHOICES.get(name, name): value for name, value in plan.items() if name not in _REMOVED}
    reasons = renamed.get("reasons", {})
    return {
        **renamed,
        "reasons": {
            CHOICES.get(name, name): _rename_in(reason) for name, reason in reasons.items() if name not in _REMOVED
        },
    }


def _rename_in(reason: Mapping[str, Any]) -> dict[str, Any]:
    old = reason.get("tried", ())
    measurements = [{"value": one["value"], "result": one["measured"]} for one in old]
    return {"measurements": measurements, **{name: value for name, value in reason.items() if name != "tried"}}
