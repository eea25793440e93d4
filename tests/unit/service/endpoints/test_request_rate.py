import pytest

from naiad.service.endpoints.request_rate import RequestRate


def test_the_rate_is_unknown_before_the_first_response():
    rate = RequestRate()
    assert not rate.is_known
    assert rate.per_second(5.0) == 0


def test_counts_responses_a_second():
    rate = RequestRate()
    for index in range(400):
        rate.record(index / 100)
    assert rate.per_second(4.0) == pytest.approx(100, rel=0.1)


def test_idle_time_does_not_count():
    rate = RequestRate()
    for index in range(100):
        rate.record(index / 100)
    assert rate.per_second(4.0) == pytest.approx(100, rel=0.1)


def test_old_responses_do_not_count():
    rate = RequestRate()
    rate.record(0.0)
    assert rate.per_second(100.0) == 0
