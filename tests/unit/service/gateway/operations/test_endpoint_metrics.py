import datetime as dt

import pytest

from naiad.service.endpoints.serving.invocation_metrics import Meter
from naiad.service.gateway.operations.endpoint_metrics import METRICS, listed, summaries


@pytest.fixture
def meter() -> Meter:
    meter = Meter(lambda: 600.0)
    for status, seconds in ((200, 0.001), (200, 0.003), (400, 0.002)):
        meter.count("shoes", "blue", status, model_s=seconds, overhead_s=0.0001)
    meter.count("shoes", "green", 503, model_s=0.0, overhead_s=0.5)
    return meter


def found(meter: Meter, name: str, **dimensions: str) -> list[tuple[int, float, float, float]]:
    return [(one.count, one.total, one.lowest, one.highest) for _, one in summaries(meter, name, dimensions)]


def test_counts_whose_average_is_a_share(meter: Meter):
    blue = {"EndpointName": "shoes", "VariantName": "blue"}
    assert found(meter, "Invocations", **blue) == [(3, 3, 1.0, 1.0)]
    assert found(meter, "Invocation4XXErrors", **blue) == [(3, 1, 0.0, 1.0)]
    assert found(meter, "Invocation5XXErrors", **blue) == [(3, 0, 0.0, 0.0)]


def test_latencies_in_microseconds(meter: Meter):
    ((count, total, lowest, highest),) = found(meter, "ModelLatency", EndpointName="shoes", VariantName="blue")
    assert (count, lowest, highest) == (3, 1000.0, 3000.0)
    assert total == pytest.approx(6000.0)


def test_a_minute_in_which_all_were_refused_has_no_latencies():
    meter = Meter(lambda: 600.0)
    meter.count_refused("shoes", "blue", 503)
    assert found(meter, "ModelLatency", EndpointName="shoes") == []
    assert found(meter, "Invocation5XXErrors", EndpointName="shoes") == [(1, 1, 1.0, 1.0)]


def test_by_the_minute_and_over_all_variants(meter: Meter):
    assert {time for time, _ in summaries(meter, "Invocations", {"EndpointName": "shoes"})} == {
        dt.datetime.fromtimestamp(600, dt.UTC)
    }
    assert sum(one[0] for one in found(meter, "Invocations", EndpointName="shoes")) == 4


def test_what_is_not_there_is_nothing(meter: Meter):
    assert found(meter, "Nothing", EndpointName="shoes") == []
    assert found(meter, "Invocations", EndpointName="hats") == []
    assert found(meter, "Invocations", EndpointName="shoes", Other="x") == []


def test_listed(meter: Meter):
    assert len(listed(meter, wanted=None, given={})) == 2 * len(METRICS)
    (one,) = listed(meter, wanted="ModelLatency", given={"VariantName": "green"})
    assert one["Dimensions"] == [{"Name": "EndpointName", "Value": "shoes"}, {"Name": "VariantName", "Value": "green"}]
    assert listed(meter, wanted=None, given={"Host": None}) == []
