"""Endpoints' metrics in CloudWatch's terms: the namespace AWS/SageMaker, by endpoint and variant, a bucket a minute.

They are kept in memory for a day: a server that starts again begins anew.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from naiad.service.endpoints.serving.invocation_metrics import InvocationMetrics, LatencyDistribution, MinuteMetrics

NAMESPACE = "AWS/SageMaker"
DIMENSIONS = ("EndpointName", "VariantName")
_MICRO = 1e6


@dataclass(frozen=True)
class Summary:
    """Of what was measured in a minute."""

    count: int
    total: float
    lowest: float
    highest: float
    values: Mapping[float, int]
    """How many by value, for percentiles."""


def _flags(count: Callable[[MinuteMetrics], int]) -> Callable[[MinuteMetrics], Summary]:
    """Each invocation counts 1 or 0, so that the average is a share, as in AWS."""

    def summary(minute: MinuteMetrics) -> Summary:
        total = count(minute)
        everything = minute.invocations
        values = {1.0: total, 0.0: everything - total}
        return Summary(everything, total, float(total == everything), float(total > 0), values)

    return summary


def _micros(spread: Callable[[MinuteMetrics], LatencyDistribution]) -> Callable[[MinuteMetrics], Summary]:
    def summary(minute: MinuteMetrics) -> Summary:
        found = spread(minute)
        values = {value * _MICRO: count for value, count in found.counts_by_value().items()}
        return Summary(found.count, found.total * _MICRO, found.lowest * _MICRO, found.highest * _MICRO, values)

    return summary


METRICS: Mapping[str, tuple[str, Callable[[MinuteMetrics], Summary]]] = {
    "Invocations": ("Count", _flags(lambda minute: minute.invocations)),
    "Invocation4XXErrors": ("Count", _flags(lambda minute: minute.errors_4xx)),
    "Invocation5XXErrors": ("Count", _flags(lambda minute: minute.errors_5xx)),
    "ModelLatency": ("Microseconds", _micros(lambda minute: minute.model_s)),
    "OverheadLatency": ("Microseconds", _micros(lambda minute: minute.overhead_s)),
}
"""(unit, a minute's summary) by AWS's name."""


def summaries(meter: InvocationMetrics, name: str, dimensions: Mapping[str, str]) -> Iterator[tuple[dt.datetime, Summary]]:
    """By minute. None for a metric or an endpoint that is not there: CloudWatch knows no missing metric."""
    endpoint, variant = (dimensions.get(key) for key in DIMENSIONS)
    if name not in METRICS or endpoint is None or set(dimensions) - set(DIMENSIONS):
        return
    _, summary = METRICS[name]
    for key, minutes in list(meter.minutes.items()):
        if key[0] == endpoint and variant in (None, key[1]):
            for number, minute in list(minutes.items()):
                found = summary(minute)
                if found.count:
                    yield dt.datetime.fromtimestamp(number * 60, dt.UTC), found


def listed(meter: InvocationMetrics, *, wanted: str | None, given: Mapping[str, str | None]) -> list[dict[str, object]]:
    """In ListMetrics' shape. given: dimensions with their values, None for any."""
    if set(given) - set(DIMENSIONS):
        return []
    keys = [
        key
        for key in list(meter.minutes)
        if all(given.get(name) in (None, value) for name, value in zip(DIMENSIONS, key, strict=True))
    ]
    return [
        {
            "Namespace": NAMESPACE,
            "MetricName": name,
            "Dimensions": [
                {"Name": dimension, "Value": value} for dimension, value in zip(DIMENSIONS, key, strict=True)
            ],
        }
        for key in sorted(keys)
        for name in METRICS
        if wanted in (None, name)
    ]
