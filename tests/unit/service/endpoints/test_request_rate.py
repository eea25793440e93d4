import pytest

from naiad.service.endpoints.request_rate import Rate


def test_nothing_is_known_before_the_first_answer():
    rate = Rate()
    assert not rate.is_known
    assert rate.per_s(5.0) == 0


def test_answers_a_second():
    rate = Rate()
    for index in range(400):
        rate.count(index / 100)
    assert rate.per_s(4.0) == pytest.approx(100, rel=0.1)


def test_an_idle_time_is_no_slowness():
    rate = Rate()
    for index in range(100):
        rate.count(index / 100)
    assert rate.per_s(4.0) == pytest.approx(100, rel=0.1)


def test_what_was_long_ago_does_not_count():
    rate = Rate()
    rate.count(0.0)
    assert rate.per_s(100.0) == 0
