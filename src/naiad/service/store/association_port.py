"""The port of the associations. ``port.py`` has the contract of the whole store."""

from typing import Protocol

from naiad.service.domain.association import Association


class AssociationStore(Protocol):
    def add(self, association: Association) -> None:
        """Raises AlreadyExists where there is one from this source to this destination."""

    def remove(self, source: str, destination: str) -> bool:
        """Returns False where there is none."""

    def find(self, *, source: str | None = None, destination: str | None = None) -> tuple[Association, ...]:
        """Returns those from a source, to a destination, or both; all of them without either. Oldest first."""
