"""Requests that are turned away at the door, before any service has seen them."""

from naiad.service.domain.errors import Denied


class Refused(Denied):
    """``kind``: missing, unknown key, signature, skewed, expired, replayed, too large, not allowed, idle, incomplete or
    digest.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
