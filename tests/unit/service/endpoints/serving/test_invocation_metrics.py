import pytest

from naiad.service.endpoints.serving.invocation_metrics import BUCKET_EDGES_S, InvocationMetrics


def test_counts_by_minute_and_in_total():
    now = [600.0]
    metrics = InvocationMetrics(lambda: now[0])
    for status, seconds in ((200, 0.002), (200, 0.004), (400, 0.001), (424, 0.2), (503, 0.0)):
        metrics.record("shoes", "blue", status, model_s=seconds, overhead_s=0.001)
    now[0] = 660.0
    metrics.record("shoes", "blue", 200, model_s=99.0, overhead_s=0.0)
    first, second = metrics.minutes["shoes", "blue"][10], metrics.minutes["shoes", "blue"][11]
    assert (first.invocations, first.errors_4xx, first.errors_5xx) == (5, 1, 2)
    assert (first.model_s.count, first.model_s.lowest, first.model_s.highest) == (5, 0.0, 0.2)
    assert second.invocations == 1
    total = metrics.totals["shoes", "blue"]
    assert total.by_status == {200: 3, 400: 1, 424: 1, 503: 1}
    assert sum(total.buckets) == 6
    assert total.buckets[len(BUCKET_EDGES_S)] == 1


def test_minutes_are_kept_for_a_day():
    now = [0.0]
    metrics = InvocationMetrics(lambda: now[0])
    for day in range(3):
        now[0] = day * 86_400.0
        metrics.record("shoes", "blue", 200, model_s=0.1, overhead_s=0.0)
    assert sorted(metrics.minutes["shoes", "blue"]) == [1440, 2880]


def test_a_deleted_endpoint_is_removed():
    metrics = InvocationMetrics(lambda: 0.0)
    for name in ("shoes", "hats"):
        metrics.record(name, "blue", 200, model_s=0.1, overhead_s=0.0)
    metrics.remove_endpoint("shoes")
    assert list(metrics.minutes) == [("hats", "blue")] == list(metrics.totals)


def test_values_for_percentiles_are_within_one_percent():
    metrics = InvocationMetrics(lambda: 0.0)
    latencies_s = [0.0005 * 1.07**step for step in range(100)]
    for seconds in latencies_s:
        metrics.record("shoes", "blue", 200, model_s=seconds, overhead_s=0.0)
    values = metrics.minutes["shoes", "blue"][0].model_s.counts_by_value()
    assert values.total() == 100
    assert sorted(values.elements()) == pytest.approx(latencies_s, rel=0.0101)


def test_a_refusal_is_counted_without_latencies():
    metrics = InvocationMetrics(lambda: 0.0)
    metrics.record_refusal("shoes", "blue", 503)
    minute = metrics.minutes["shoes", "blue"][0]
    assert (minute.invocations, minute.errors_5xx, minute.model_s.count) == (1, 1, 0)
    assert metrics.totals["shoes", "blue"].by_status == {503: 1}
