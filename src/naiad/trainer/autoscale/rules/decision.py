"""A decision: the value of one choice of the plan, and why it has this value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from naiad.trainer.plan.reason import SET_BY_USER, Reason


@dataclass(frozen=True)
class Decision:
    name: str
    value: Any
    reason: Reason


def decide(overrides: Mapping[str, Any], name: str, value: Any, why: str, *, measured: str | None = None) -> Decision:
    """The user's value where there is one, else ``value``, because of ``why``."""
    if name in overrides:
        return Decision(name, overrides[name], SET_BY_USER)
    return Decision(name, value, Reason(why, measured))
