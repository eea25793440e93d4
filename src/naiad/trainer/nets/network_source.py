"""The record of where a network came from."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NetworkSource:
    """Where a network came from, so that an artifact can build it again."""

    name: str
    """A registry name (``simplenet``), or the class's name."""
    registered: bool
    arguments: dict[str, Any] = field(default_factory=dict)
    """What ``nets.create`` was called with; empty for a user's class."""
    source: str | None = None
    """The text of the user's file, when there is one."""
