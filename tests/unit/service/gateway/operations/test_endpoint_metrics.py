"""Metrics of endpoints in CloudWatch's terms."""

import datetime as dt

import pytest

from naiad.service.endpoints.serving.invocation_metrics import InvocationMetrics
from naiad.service.gateway.operations.endpoint_metrics import endpoint_summaries, list_endpoint_metrics


@pytest.fixture
def metrics() -> InvocationMetrics:
    metrics = InvocationMetrics(lambda: 600.0)
    for status, seconds in ((200, 0.001), (200, 0.003), (400, 0.002)):
        metrics.record("shoes", "blue", status, model_s=seconds, overhead_s=0.0001)
    metrics.record("shoes", "green", 503, model_s=0.0, overhead_s=0.5)
    return metrics


def summaries(metrics: InvocationMetrics, name: str, **dimensions: str) -> list[tuple[int, float, float, float]]:
    return [(one.count, one.total, one.lowest, one.highest) for _, one in endpoint_summaries(metrics, name, dimensions)]


def test_averages_are_ratios(metrics: InvocationMetrics):
    blue = {"EndpointName": "shoes", "VariantName": "blue"}
    assert summaries(metrics, "Invocations", **blue) == [(3, 3, 1.0, 1.0)]
    assert summaries(metrics, "Invocation4XXErrors", **blue) == [(3, 1, 0.0, 1.0)]
    assert summaries(metrics, "Invocation5XXErrors", **blue) == [(3, 0, 0.0, 0.0)]


def test_latencies_in_microseconds(metrics: InvocationMetrics):
    ((count, total, lowest, highest),) = summaries(metrics, "ModelLatency", EndpointName="shoes", VariantName="blue")
    assert (count, lowest, highest) == (3, 1000.0, 3000.0)
    assert total == pytest.approx(6000.0)


def test_a_minute_with_refused_invocations_only_has_no_latencies():
    metrics = InvocationMetrics(lambda: 600.0)
    metrics.record_refusal("shoes", "blue", 503)
    assert summaries(metrics, "ModelLatency", EndpointName="shoes") == []
    assert summaries(metrics, "Invocation5XXErrors", EndpointName="shoes") == [(1, 1, 1.0, 1.0)]


def test_summaries_are_by_minute_and_over_all_variants(metrics: InvocationMetrics):
    assert {time for time, _ in endpoint_summaries(metrics, "Invocations", {"EndpointName": "shoes"})} == {
        dt.datetime.fromtimestamp(600, dt.UTC)
    }
    assert sum(one[0] for one in summaries(metrics, "Invocations", EndpointName="shoes")) == 4


def test_an_unknown_metric_or_endpoint_has_no_summaries(metrics: InvocationMetrics):
    assert summaries(metrics, "Nothing", EndpointName="shoes") == []
    assert summaries(metrics, "Invocations", EndpointName="hats") == []
    assert summaries(metrics, "Invocations", EndpointName="shoes", Other="x") == []


def test_list_metrics(metrics: InvocationMetrics):
    assert len(list_endpoint_metrics(metrics, name=None, dimensions={})) == 2 * 5
    (one,) = list_endpoint_metrics(metrics, name="ModelLatency", dimensions={"VariantName": "green"})
    assert one["Dimensions"] == [{"Name": "EndpointName", "Value": "shoes"}, {"Name": "VariantName", "Value": "green"}]
    assert list_endpoint_metrics(metrics, name=None, dimensions={"Host": None}) == []
