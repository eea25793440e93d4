"""CloudWatch's metrics, as far as charts of a training job or an endpoint need them: no alarms and no expressions."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations import endpoint_metrics, training_metrics
from naiad.service.gateway.operations.metric_statistics import (
    PeriodStatistics,
    ValueSummary,
    check_percentile,
    check_statistic,
)
from naiad.service.gateway.operations.paging import as_utc, with_next_token
from naiad.service.jobs.service import JobService

_MAX_DATAPOINTS = 1440
_MAX_QUERIES = 500
_MAX_DATA_PERIODS = 100_800
"""Both are CloudWatch's own limits of one call."""
_METRICS_PER_PAGE = 500
_SHORT_PERIODS_S = {1, 5, 10, 20, 30}


@dataclass(frozen=True)
class _Series:
    """One metric, over a span of time in steps of a period."""

    namespace: str
    name: str
    dimensions: list[Shape]
    start: dt.datetime
    end: dt.datetime
    period_s: int


@operation(
    "cloudwatch",
    "GetMetricStatistics",
    not_served="namespaces other than those of jobs and endpoints have no data",
)
def get_metric_statistics(jobs: JobService, endpoints: EndpointService, request: Shape) -> Shape:
    percentiles = request.get("ExtendedStatistics", [])
    if not request.get("Statistics") and not percentiles:
        raise Invalid("Statistics and ExtendedStatistics are missing; give one of them")
    for name in percentiles:
        check_percentile(name)
    series = _series(request, metric=request, period_s=request["Period"])
    if (series.end - series.start).total_seconds() / series.period_s > _MAX_DATAPOINTS:
        raise Invalid(f"the span has more than {_MAX_DATAPOINTS:,} periods of {series.period_s} s; make Period larger")
    periods = _periods(_summaries(jobs, endpoints, series), series, _MAX_DATAPOINTS + 1)
    is_endpoint = series.namespace == endpoint_metrics.NAMESPACE
    unit = endpoint_metrics.endpoint_metric_unit(series.name) if is_endpoint else "None"
    datapoints = [_datapoint(time, period, request, unit) for time, period in sorted(periods.items())]
    return {"Label": series.name, "Datapoints": datapoints}


@operation(
    "cloudwatch",
    "GetMetricData",
    not_served="metric math (Expression), other accounts",
)
def get_metric_data(jobs: JobService, endpoints: EndpointService, request: Shape) -> Shape:
    """Returns everything in one page. Expressions are not served."""
    queries = [query for query in request["MetricDataQueries"] if query.get("ReturnData", True)]
    if len(queries) > _MAX_QUERIES:
        raise Invalid(f"{len(queries):,} queries are given: at most {_MAX_QUERIES} are allowed")
    results, room = [], _MAX_DATA_PERIODS
    for query in queries:
        results.append(_data_result(jobs, endpoints, request, query, room))
        room -= len(results[-1]["Values"])
    return {"MetricDataResults": results}


@operation(
    "cloudwatch",
    "ListMetrics",
    not_served="metrics of other services; linked accounts",
)
def list_metrics(jobs: JobService, endpoints: EndpointService, request: Shape) -> Shape:
    dimensions = request.get("Dimensions", [])
    if request.get("Namespace") == endpoint_metrics.NAMESPACE:
        values = {one["Name"]: one.get("Value") for one in dimensions}
        meter = endpoints.router.metrics
        return {
            "Metrics": endpoint_metrics.list_endpoint_metrics(meter, name=request.get("MetricName"), dimensions=values)
        }
    if request.get("Namespace", training_metrics.NAMESPACE) != training_metrics.NAMESPACE:
        return {"Metrics": []}
    if any(one["Name"] != training_metrics.DIMENSION for one in dimensions):
        return {"Metrics": []}
    page = list(islice(training_metrics.list_training_metrics(jobs, request), _METRICS_PER_PAGE))
    token = page[-1][1] if len(page) == _METRICS_PER_PAGE else None
    return with_next_token({"Metrics": [metric for metric, _ in page]}, token)


def _data_result(jobs: JobService, endpoints: EndpointService, request: Shape, query: Shape, room: int) -> Shape:
    """``room``: periods that the answer may still hold. Raises Invalid for more."""
    if "MetricStat" not in query:
        raise Invalid(f"the query {query['Id']!r} has no MetricStat; expressions are not served")
    stat = query["MetricStat"]
    check_statistic(stat["Stat"])
    series = _series(request, metric=stat["Metric"], period_s=stat["Period"])
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    periods = _periods(_summaries(jobs, endpoints, series), series, room)
    ordered = sorted(periods.items(), reverse=newest_first)
    return {
        "Id": query["Id"],
        "Label": query.get("Label", series.name),
        "Timestamps": [time for time, _ in ordered],
        "Values": [period.statistic(stat["Stat"]) for _, period in ordered],
        "StatusCode": "Complete",
    }


def _series(request: Shape, *, metric: Shape, period_s: int) -> _Series:
    """``request`` has the span of time. Rounds its start down as CloudWatch does: to whole minutes, or to a shorter period.

    Raises Invalid.
    """
    if period_s not in _SHORT_PERIODS_S and (period_s <= 0 or period_s % 60):
        raise Invalid(f"Period is {period_s} s; it must be 1, 5, 10, 20, 30 or a multiple of 60")
    start, end = as_utc(request["StartTime"]), as_utc(request["EndTime"])
    if start >= end:
        raise Invalid(f"StartTime {start.isoformat()} is not before EndTime {end.isoformat()}")
    step_s = min(period_s, 60)
    rounded = dt.datetime.fromtimestamp(start.timestamp() // step_s * step_s, dt.UTC)
    name, dimensions = metric.get("MetricName", ""), metric.get("Dimensions", [])
    return _Series(metric.get("Namespace", ""), name, dimensions, rounded, end, period_s)


def _summaries(
    jobs: JobService, endpoints: EndpointService, series: _Series
) -> Iterator[tuple[dt.datetime, ValueSummary]]:
    """Yields nothing for another namespace, as CloudWatch does."""
    if series.namespace == endpoint_metrics.NAMESPACE:
        dimensions = {one["Name"]: one["Value"] for one in series.dimensions}
        yield from endpoint_metrics.endpoint_summaries(endpoints.router.metrics, series.name, dimensions)
    elif series.namespace == training_metrics.NAMESPACE:
        yield from training_metrics.training_summaries(jobs, series.name, series.dimensions)


def _periods(
    summaries: Iterator[tuple[dt.datetime, ValueSummary]], series: _Series, limit: int
) -> dict[dt.datetime, PeriodStatistics]:
    """Returns the statistics of each period by its start. Raises Invalid when there are more than ``limit``."""
    periods: dict[dt.datetime, PeriodStatistics] = {}
    for time, summary in summaries:
        if series.start <= time < series.end:
            seconds = time.timestamp() // series.period_s * series.period_s
            periods.setdefault(dt.datetime.fromtimestamp(seconds, dt.UTC), PeriodStatistics()).add(summary)
        if len(periods) > limit:
            raise Invalid(f"the span has more than {limit:,} periods with points; make Period larger")
    return periods


def _datapoint(time: dt.datetime, period: PeriodStatistics, request: Shape, unit: str) -> Shape:
    statistics = {name: period.statistic(name) for name in request.get("Statistics", [])}
    percentiles = {name: period.statistic(name) for name in request.get("ExtendedStatistics", [])}
    point = {"Timestamp": time, "Unit": unit, **statistics}
    return {**point, "ExtendedStatistics": percentiles} if percentiles else point
