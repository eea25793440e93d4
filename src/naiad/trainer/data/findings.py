"""Findings of the cleaning: each with a count, examples, and the action taken."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

MAX_EXAMPLES = 5
"""Sample names that a finding lists."""


class Action(StrEnum):
    """Action taken on a finding."""

    REPAIRED = "repaired"  # the sample is used, changed as the finding says
    QUARANTINED = "quarantined"  # the sample is not used; it is listed in quarantine.csv
    REPORTED = "reported"  # nothing was changed

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Reads the values that earlier artifacts hold."""
        renamed = {"left out": "quarantined", "told": "reported"}
        return cls(renamed[value]) if isinstance(value, str) and value in renamed else None


@dataclass(frozen=True)
class Finding:
    """One kind of problem in one split."""

    kind: str
    """A stable slug: ``unreadable-image``, ``exact-duplicate``, ``shared-with-test``, …"""
    split: str
    """``train``, ``validation`` or ``test``."""
    count: int
    action: Action
    message: str
    """One sentence for people: what the problem is and what follows from it."""
    examples: tuple[str, ...] = ()
    """Up to five sample names (a path, ``row 12``, a column)."""


@dataclass(frozen=True)
class QuarantineEntry:
    """One sample that is not used: a row of quarantine.csv."""

    name: str
    split: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Findings:
    """All findings of a data set. ``a + b`` joins two."""

    items: tuple[Finding, ...] = ()
    quarantine: tuple[QuarantineEntry, ...] = ()

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(self.items + other.items, self.quarantine + other.quarantine)

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(item) for item in self.items]


def make_findings(
    kind: str, split: str, names: Sequence[str], action: Action, message: str, *, reasons: Sequence[str] | None = None
) -> Findings:
    """Returns one finding about the samples ``names``, or no finding where there are none.

    Quarantined samples have an entry each, with its own reason of ``reasons`` or with the message.
    """
    if not len(names):
        return Findings()
    finding = Finding(kind, split, len(names), action, message, tuple(names[:MAX_EXAMPLES]))
    if action is not Action.QUARANTINED:
        return Findings((finding,))
    entry_reasons = [message] * len(names) if reasons is None else reasons
    entries = tuple(
        QuarantineEntry(name, split, kind, reason) for name, reason in zip(names, entry_reasons, strict=True)
    )
    return Findings((finding,), entries)
