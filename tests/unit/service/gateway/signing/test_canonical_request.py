"""The canonical request takes a time that grows with the request, whatever that says."""

import time

import pytest

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.canonical_request import canonical_request, signed_header_names


def test_a_header_is_signed_once():
    request = Request("GET", "/", "", {"host": "x", "a": "b"})
    assert signed_header_names(request, "a;host") == ["a", "host"]
    with pytest.raises(RequestRejected, match="listed twice"):
        signed_header_names(request, "a;a;host")


def test_thousands_of_steps_up_in_a_path():
    """Each step up took a copy of all that was below."""
    path = "/a" * 100_000 + "/.." * 100_000
    started = time.perf_counter()
    text = canonical_request(Request("GET", path, "", {"host": "x"}), "sagemaker", ["host"], "hash", without="")
    assert text.startswith("GET\n/\n")
    assert time.perf_counter() - started < 5
