"""CloudWatch's metrics of jobs and endpoints."""

import datetime as dt
import json
from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.operations import metric_data

NAMESPACE = "/aws/sagemaker/TrainingJobs"


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def write(api: Any, name: str, *points: tuple[str, float, float]) -> None:
    lines = [json.dumps({"name": metric, "value": value, "time": time}) for metric, value, time in points]
    api.write(name, "metrics.jsonl", "".join(f"{line}\n" for line in lines))


def make_request(name: str = "one", **changed: Any) -> dict[str, Any]:
    return {
        "Namespace": NAMESPACE,
        "MetricName": "loss",
        "Dimensions": [{"Name": "TrainingJobName", "Value": name}],
        "StartTime": at(0),
        "EndTime": at(600),
        "Period": 60,
        "Statistics": ["Average", "Minimum", "Maximum", "Sum", "SampleCount"],
        **changed,
    }


@pytest.fixture
def api_with_metrics(api: Any) -> Any:
    api.train("one")
    api.tick()
    write(api, "one", ("loss", 4.0, 10), ("loss", 2.0, 50), ("acc", 0.5, 50), ("loss", 1.0, 130), ("loss", 9.0, 700))
    return api


def test_statistics_by_period(api_with_metrics: Any) -> None:
    output = api_with_metrics.call("cloudwatch", "GetMetricStatistics", **make_request())
    first, second = output["Datapoints"]
    assert first == {
        "Timestamp": at(0),
        "Unit": "None",
        "Average": 3.0,
        "Minimum": 2.0,
        "Maximum": 4.0,
        "Sum": 6.0,
        "SampleCount": 2.0,
    }
    assert (second["Timestamp"], second["Average"]) == (at(120), 1.0)


def test_percentiles_of_a_job(api_with_metrics: Any) -> None:
    request = make_request(Period=600, Statistics=[], ExtendedStatistics=["p50", "p99.9"])
    (point,) = api_with_metrics.call("cloudwatch", "GetMetricStatistics", **request)["Datapoints"]
    assert point == {"Timestamp": at(0), "Unit": "None", "ExtendedStatistics": {"p50": 2.0, "p99.9": 4.0}}


def test_percentiles_of_an_endpoint(api: Any) -> None:
    metrics = api.services.endpoints.router.metrics
    for milliseconds in range(1, 101):
        metrics.record("shoes", "blue", 200, model_s=milliseconds / 1000, overhead_s=0.0)
    dimensions = [{"Name": "EndpointName", "Value": "shoes"}, {"Name": "VariantName", "Value": "blue"}]
    request = make_request(Namespace="AWS/SageMaker", MetricName="ModelLatency", Dimensions=dimensions, Period=86_400)
    span = {"StartTime": at(metrics.now_s() - 3600), "EndTime": at(metrics.now_s() + 3600)}
    request |= {**span, "Statistics": ["Maximum"], "ExtendedStatistics": ["p50", "p90", "p99"]}
    points = api.call("cloudwatch", "GetMetricStatistics", **request)["Datapoints"]
    assert points[-1]["ExtendedStatistics"] == pytest.approx({"p50": 50_000, "p90": 90_000, "p99": 99_000}, rel=0.02)


@pytest.mark.parametrize(("period", "counts"), [(60, [2.0, 1.0]), (20, [1.0, 1.0]), (1, [1.0, 1.0])])
def test_the_start_is_rounded_down(api_with_metrics: Any, period: int, counts: list[float]) -> None:
    output = api_with_metrics.call(
        "cloudwatch", "GetMetricStatistics", **make_request(Period=period, StartTime=at(50.9))
    )
    assert [point["SampleCount"] for point in output["Datapoints"]] == counts


@pytest.mark.parametrize(
    "changed",
    [
        {"Namespace": "AWS/EC2"},
        {"MetricName": "none"},
        {"Dimensions": []},
        {"Dimensions": [{"Name": "TrainingJobName", "Value": "nobody"}]},
    ],
)
def test_an_unknown_metric_has_no_points(api_with_metrics: Any, changed: dict[str, Any]) -> None:
    assert api_with_metrics.call("cloudwatch", "GetMetricStatistics", **make_request(**changed))["Datapoints"] == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Period": 7}, "multiple of 60"),
        ({"Period": 0}, "multiple of 60"),
        ({"StartTime": at(600)}, "is not before"),
        ({"Period": 1, "EndTime": at(1441)}, "make Period larger"),
        ({"Statistics": []}, "Statistics and ExtendedStatistics are missing"),
        ({"ExtendedStatistics": ["p101"]}, "the statistic is 'p101'"),
        ({"ExtendedStatistics": ["tm99"]}, "the statistic is 'tm99'"),
    ],
)
def test_invalid_requests(api_with_metrics: Any, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        api_with_metrics.call("cloudwatch", "GetMetricStatistics", **make_request(**changed))


def test_metrics_are_listed(api_with_metrics: Any) -> None:
    one = api_with_metrics.call("cloudwatch", "ListMetrics", Dimensions=[{"Name": "TrainingJobName", "Value": "one"}])
    assert [metric["MetricName"] for metric in one["Metrics"]] == ["acc", "loss"]
    assert api_with_metrics.call("cloudwatch", "ListMetrics", Namespace=NAMESPACE) == one
    assert len(api_with_metrics.call("cloudwatch", "ListMetrics", MetricName="acc")["Metrics"]) == 1
    assert api_with_metrics.call("cloudwatch", "ListMetrics", Namespace="AWS/EC2") == {"Metrics": []}


def test_metric_data(api_with_metrics: Any) -> None:
    metric = {key: make_request()[key] for key in ("Namespace", "MetricName", "Dimensions")}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    times = {"StartTime": at(0), "EndTime": at(600)}
    (result,) = api_with_metrics.call("cloudwatch", "GetMetricData", MetricDataQueries=[query], **times)[
        "MetricDataResults"
    ]
    assert (result["Timestamps"], result["Values"]) == ([at(120), at(0)], [1.0, 4.0])
    with pytest.raises(Invalid, match="expressions are not served"):
        api_with_metrics.call(
            "cloudwatch", "GetMetricData", MetricDataQueries=[{"Id": "e", "Expression": "m*2"}], **times
        )


def make_query(number: int, **changed: Any) -> dict[str, Any]:
    metric = {"Namespace": NAMESPACE, "MetricName": "loss", "Dimensions": make_request()["Dimensions"]}
    return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}, **changed}


def test_a_call_has_as_many_queries_and_points_as_at_aws(
    api_with_metrics: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each query reads a file and gives up to a hundred thousand points; a body held thousands of them."""

    def call(count: int) -> list[Any]:
        queries = [make_query(number) for number in range(count)]
        output = api_with_metrics.call(
            "cloudwatch", "GetMetricData", MetricDataQueries=queries, StartTime=at(0), EndTime=at(600)
        )
        return list(output["MetricDataResults"])

    with pytest.raises(Invalid, match="at most 500"):
        call(501)
    monkeypatch.setattr(metric_data, "_MAX_DATA_PERIODS", 4)
    assert [len(result["Values"]) for result in call(2)] == [2, 2]
    with pytest.raises(Invalid, match="make Period larger"):
        call(3)
