"""The metrics of endpoints in CloudWatch's terms: namespace AWS/SageMaker, by endpoint and variant, one period a minute.

They are kept in memory for a day, and start anew with the server.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from naiad.service.endpoints.serving.invocation_metrics import InvocationMetrics, LatencyDistribution, MinuteMetrics
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.metric_statistics import ValueSummary

NAMESPACE = "AWS/SageMaker"
_DIMENSIONS = ("EndpointName", "VariantName")
_MICROS = 1e6


@dataclass(frozen=True)
class _Metric:
    unit: str
    summarize: Callable[[MinuteMetrics], ValueSummary]


def _ratio(count: Callable[[MinuteMetrics], int]) -> _Metric:
    """Metric to which each invocation adds 1 or 0, so that its average is a ratio, as at AWS."""

    def summarize(minute: MinuteMetrics) -> ValueSummary:
        ones, invocations = count(minute), minute.invocations
        counts = {1.0: ones, 0.0: invocations - ones}
        return ValueSummary(invocations, ones, float(ones == invocations), float(ones > 0), counts)

    return _Metric("Count", summarize)


def _latency(latencies: Callable[[MinuteMetrics], LatencyDistribution]) -> _Metric:
    def summarize(minute: MinuteMetrics) -> ValueSummary:
        distribution = latencies(minute)
        counts = {value * _MICROS: count for value, count in distribution.counts_by_value().items()}
        return ValueSummary(
            distribution.count,
            distribution.total * _MICROS,
            distribution.lowest * _MICROS,
            distribution.highest * _MICROS,
            counts,
        )

    return _Metric("Microseconds", summarize)


_METRICS: Mapping[str, _Metric] = {
    "Invocations": _ratio(lambda minute: minute.invocations),
    "Invocation4XXErrors": _ratio(lambda minute: minute.errors_4xx),
    "Invocation5XXErrors": _ratio(lambda minute: minute.errors_5xx),
    "ModelLatency": _latency(lambda minute: minute.model_s),
    "OverheadLatency": _latency(lambda minute: minute.overhead_s),
}


def endpoint_metric_unit(name: str) -> str:
    """Returns CloudWatch's "None" for an unknown metric."""
    return _METRICS[name].unit if name in _METRICS else "None"


def endpoint_summaries(
    metrics: InvocationMetrics, name: str, dimensions: Mapping[str, str]
) -> Iterator[tuple[dt.datetime, ValueSummary]]:
    """Yields (start of a minute, its values). Yields nothing for an unknown metric or endpoint, as CloudWatch does."""
    endpoint, variant = (dimensions.get(key) for key in _DIMENSIONS)
    if name not in _METRICS or endpoint is None or set(dimensions) - set(_DIMENSIONS):
        return
    for key, minutes in list(metrics.minutes.items()):
        if key[0] == endpoint and variant in (None, key[1]):
            for number, minute in list(minutes.items()):
                summary = _METRICS[name].summarize(minute)
                if summary.count:
                    yield dt.datetime.fromtimestamp(number * 60, dt.UTC), summary


def list_endpoint_metrics(
    metrics: InvocationMetrics, *, name: str | None, dimensions: Mapping[str, str | None]
) -> list[Shape]:
    """Returns metrics in ListMetrics' shape. ``name`` and the values of ``dimensions`` are filters; None is any."""
    if set(dimensions) - set(_DIMENSIONS):
        return []
    keys = [
        key
        for key in list(metrics.minutes)
        if all(dimensions.get(one) in (None, value) for one, value in zip(_DIMENSIONS, key, strict=True))
    ]
    return [
        {
            "Namespace": NAMESPACE,
            "MetricName": metric,
            "Dimensions": [{"Name": one, "Value": value} for one, value in zip(_DIMENSIONS, key, strict=True)],
        }
        for key in sorted(keys)
        for metric in _METRICS
        if name in (None, metric)
    ]
