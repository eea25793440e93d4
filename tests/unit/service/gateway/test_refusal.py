"""Requests that are turned away at the door."""

from naiad.service.domain.errors import Denied
from naiad.service.gateway.refusal import Refused


def test_a_refusal_is_a_denial_with_a_kind():
    error = Refused("expired", "the URL has expired")
    assert isinstance(error, Denied)
    assert (error.kind, str(error)) == ("expired", "the URL has expired")
