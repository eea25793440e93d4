"""Rejected requests."""

from naiad.service.domain.errors import AccessDenied
from naiad.service.gateway.rejection import RequestRejected


def test_a_rejection_is_an_access_error_with_a_kind():
    error = RequestRejected("expired", "the URL has expired")
    assert isinstance(error, AccessDenied)
    assert (error.kind, str(error)) == ("expired", "the URL has expired")
