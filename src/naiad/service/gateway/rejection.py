"""Requests that are rejected before any service sees them."""

from typing import Literal

from naiad.service.domain.errors import AccessDenied

RejectionKind = Literal[
    "unsigned",
    "unknown key",
    "signature",
    "skewed",
    "expired",
    "expired token",
    "replayed",
    "digest",
    "payload word",
    "incomplete",
    "too large",
    "idle",
    "busy",
    "not allowed",
]


class RequestRejected(AccessDenied):
    """``kind`` selects AWS's error code, see ``errors.py``."""

    def __init__(self, kind: RejectionKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
