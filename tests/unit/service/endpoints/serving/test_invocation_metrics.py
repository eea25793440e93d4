import pytest

from naiad.service.endpoints.serving.invocation_metrics import EDGES_S, Meter


def test_counts_by_minute_and_in_all():
    now = [600.0]
    meter = Meter(lambda: now[0])
    for status, seconds in ((200, 0.002), (200, 0.004), (400, 0.001), (424, 0.2), (503, 0.0)):
        meter.count("shoes", "blue", status, model_s=seconds, overhead_s=0.001)
    now[0] = 660.0
    meter.count("shoes", "blue", 200, model_s=99.0, overhead_s=0.0)
    first, second = meter.minutes["shoes", "blue"][10], meter.minutes["shoes", "blue"][11]
    assert (first.invocations, first.errors_4xx, first.errors_5xx) == (5, 1, 2)
    assert (first.model_s.count, first.model_s.lowest, first.model_s.highest) == (5, 0.0, 0.2)
    assert second.invocations == 1
    total = meter.totals["shoes", "blue"]
    assert total.by_status == {200: 3, 400: 1, 424: 1, 503: 1}
    assert sum(total.buckets) == 6
    assert total.buckets[len(EDGES_S)] == 1


def test_a_day_is_kept():
    now = [0.0]
    meter = Meter(lambda: now[0])
    for day in range(3):
        now[0] = day * 86_400.0
        meter.count("shoes", "blue", 200, model_s=0.1, overhead_s=0.0)
    assert sorted(meter.minutes["shoes", "blue"]) == [1440, 2880]


def test_a_deleted_endpoint_is_forgotten():
    meter = Meter(lambda: 0.0)
    for name in ("shoes", "hats"):
        meter.count(name, "blue", 200, model_s=0.1, overhead_s=0.0)
    meter.forget("shoes")
    assert list(meter.minutes) == [("hats", "blue")] == list(meter.totals)


def test_values_for_percentiles_are_within_a_percent():
    meter = Meter(lambda: 0.0)
    given = [0.0005 * 1.07**step for step in range(100)]
    for seconds in given:
        meter.count("shoes", "blue", 200, model_s=seconds, overhead_s=0.0)
    values = meter.minutes["shoes", "blue"][0].model_s.values()
    assert values.total() == 100
    assert sorted(values.elements()) == pytest.approx(given, rel=0.0101)


def test_what_no_replica_has_seen_is_counted_without_latencies():
    meter = Meter(lambda: 0.0)
    meter.count_refused("shoes", "blue", 503)
    minute = meter.minutes["shoes", "blue"][0]
    assert (minute.invocations, minute.errors_5xx, minute.model_s.count) == (1, 1, 0)
    assert meter.totals["shoes", "blue"].by_status == {503: 1}
