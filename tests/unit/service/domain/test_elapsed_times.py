"""Time that has passed, beside a clock that is set."""

import datetime as dt

from naiad.service.domain.elapsed_times import ElapsedTimes

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class SetClock:
    set_by_s = 0.0
    passed_s = 0.0

    def now(self):
        return START + dt.timedelta(seconds=self.passed_s + self.set_by_s)

    def monotonic_s(self):
        return self.passed_s


def test_a_jump_is_no_time_that_has_passed():
    clock = SetClock()
    elapsed = ElapsedTimes(clock)
    assert elapsed.since_s("old", START - dt.timedelta(seconds=50)) == 50.0
    for set_by_s in (1e6, -1e6):
        clock.set_by_s = set_by_s
        clock.passed_s += 10.0
        assert elapsed.since_s("old", START - dt.timedelta(seconds=50)) == 50.0 + clock.passed_s


def test_what_is_said_to_be_of_the_future_has_just_happened():
    clock = SetClock()
    elapsed = ElapsedTimes(clock)
    assert elapsed.since_s("new", START + dt.timedelta(days=1)) == 0.0
    clock.passed_s = 7.0
    assert elapsed.since_s("new", START + dt.timedelta(days=1)) == 7.0


def test_what_is_forgotten_is_asked_about_anew():
    clock = SetClock()
    elapsed = ElapsedTimes(clock)
    for thing in ("one", "two"):
        elapsed.since_s(thing, START)
    clock.set_by_s = 100.0
    elapsed.forget(lambda thing: thing == "one")
    assert (elapsed.since_s("one", START), elapsed.since_s("two", START)) == (100.0, 0.0)
