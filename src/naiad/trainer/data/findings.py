"""What cleaning found: each finding with a count, examples, and what was done about it."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What was done about a finding."""

    REPAIRED = "repaired"  # the sample is used, changed as the finding says
    LEFT_OUT = "left out"  # the sample is not used; it is listed in quarantine.csv
    TOLD = "told"  # nothing was changed


@dataclass(frozen=True)
class Finding:
    """One kind of trouble in one split."""

    kind: str
    """A stable slug: ``unreadable-image``, ``exact-duplicate``, ``shared-with-test``, …"""
    split: str
    """``train``, ``validation`` or ``test``."""
    count: int
    action: Action
    message: str
    """One sentence for people: what it is and what it means for them."""
    examples: tuple[str, ...] = ()
    """Up to five sample names (a path, ``row 12``, a column)."""


@dataclass(frozen=True)
class Quarantined:
    """One sample that was left out: a row of quarantine.csv."""

    name: str
    split: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Findings:
    """Everything that cleaning found. ``a + b`` joins two."""

    items: tuple[Finding, ...] = ()
    quarantine: tuple[Quarantined, ...] = ()

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(self.items + other.items, self.quarantine + other.quarantine)

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(item) for item in self.items]
