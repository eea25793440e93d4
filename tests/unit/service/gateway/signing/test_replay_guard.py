"""Replayed requests."""

import datetime as dt
import hashlib

import pytest

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.replay_guard import GRACE, ReplayGuard
from naiad.service.gateway.signing.signature import VerifiedSignature
from naiad.service.gateway.signing.sigv4 import MAX_SKEW

NOW = dt.timedelta(days=1)
MOMENT = dt.timedelta(milliseconds=1)


def signature(number: int = 0, *, is_presigned: bool = False) -> VerifiedSignature:
    text = "" if is_presigned else hashlib.sha256(str(number).encode()).hexdigest()
    return VerifiedSignature("AKIA", "s3", "", text, is_presigned=is_presigned)


def test_a_replay_is_accepted_for_a_moment_and_then_rejected():
    guard = ReplayGuard()
    for later in (dt.timedelta(0), MOMENT, GRACE):
        guard.check(signature(1), NOW + later)
    for later in (GRACE + MOMENT, MAX_SKEW, 2 * MAX_SKEW):
        with pytest.raises(RequestRejected, match="came before") as caught:
            guard.check(signature(1), NOW + later)
        assert caught.value.kind == "replayed"
    guard.check(signature(2), NOW + 2 * MAX_SKEW)


def test_a_presigned_url_may_be_used_again():
    guard = ReplayGuard()
    for _ in range(3):
        guard.check(signature(is_presigned=True), NOW)
    assert len(guard) == 0


def test_signatures_with_an_outdated_date_are_forgotten():
    guard = ReplayGuard()
    guard.check(signature(1), NOW)
    guard.check(signature(2), NOW + 2 * MAX_SKEW)
    assert len(guard) == 2
    guard.check(signature(3), NOW + 2 * MAX_SKEW + MOMENT)
    assert len(guard) == 2


def test_the_number_of_signatures_is_bounded_and_the_newest_stay():
    guard = ReplayGuard(max_signatures=100)
    for number in range(1_000):
        guard.check(signature(number), NOW)
    assert len(guard) == 100
    with pytest.raises(RequestRejected):
        guard.check(signature(900), NOW + GRACE + MOMENT)
