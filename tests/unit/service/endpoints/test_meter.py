from naiad.service.endpoints.meter import EDGES_S, Meter


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
