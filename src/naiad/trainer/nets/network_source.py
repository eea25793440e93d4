"""Record of a network's origin."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NetworkSource:
    """Origin of a network, so that an artifact can build it again."""

    name: str
    """Name in the registry (``simplenet``), or of the class."""
    registered: bool
    """Whether ``name`` is one of the registry."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Arguments of ``create_network``; empty for a user's class."""
    source: str | None = None
    """Text of the user's file, if there is one."""
