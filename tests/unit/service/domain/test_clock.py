import datetime as dt

from naiad.service.domain.clock import SystemClock


def test_the_system_clock_gives_the_present_time_in_utc():
    before = dt.datetime.now(dt.UTC)
    now = SystemClock().now()
    assert before <= now <= dt.datetime.now(dt.UTC)
    assert now.tzinfo is dt.UTC
