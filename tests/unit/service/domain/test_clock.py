import datetime as dt

from naiad.service.domain.clock import SystemClock


def test_the_time_is_aware_in_utc_and_now():
    before = dt.datetime.now(dt.UTC)
    now = SystemClock().now()
    assert before <= now <= dt.datetime.now(dt.UTC)
    assert now.tzinfo is dt.UTC
