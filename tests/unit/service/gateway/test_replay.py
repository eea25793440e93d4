"""Requests that come a second time."""

import datetime as dt
import hashlib

import pytest

from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.replay import GRACE, Seen
from naiad.service.gateway.sigv4 import MAX_SKEW, Signed

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
MOMENT = dt.timedelta(milliseconds=1)


def signed(number: int = 0, *, by_url: bool = False) -> Signed:
    seed = "" if by_url else hashlib.sha256(str(number).encode()).hexdigest()
    return Signed("AKIA", "s3", "", seed, by_url=by_url)


def test_the_same_again_is_let_in_for_a_moment_and_then_no_more():
    seen = Seen()
    for later in (dt.timedelta(0), MOMENT, GRACE):
        seen.check(signed(1), NOW + later)
    for later in (GRACE + MOMENT, MAX_SKEW, 2 * MAX_SKEW):
        with pytest.raises(Refused, match="came before") as caught:
            seen.check(signed(1), NOW + later)
        assert caught.value.kind == "replayed"
    seen.check(signed(2), NOW + 2 * MAX_SKEW)


def test_a_url_may_be_used_again():
    seen = Seen()
    for _ in range(3):
        seen.check(signed(by_url=True), NOW)
    assert len(seen) == 0


def test_what_its_date_refuses_anyway_is_forgotten():
    seen = Seen()
    seen.check(signed(1), NOW)
    seen.check(signed(2), NOW + 2 * MAX_SKEW)
    assert len(seen) == 2
    seen.check(signed(3), NOW + 2 * MAX_SKEW + MOMENT)
    assert len(seen) == 2


def test_a_bound_is_kept_and_the_newest_are_known():
    seen = Seen(most=100)
    for number in range(1_000):
        seen.check(signed(number), NOW)
    assert len(seen) == 100
    with pytest.raises(Refused):
        seen.check(signed(900), NOW + GRACE + MOMENT)
