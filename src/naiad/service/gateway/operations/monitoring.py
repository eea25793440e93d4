"""CloudWatch, as far as charts of a training job or an endpoint need it: metrics by their names, no alarms and no expressions."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.endpoint_metrics import METRICS, NAMESPACE, Summary, listed, summaries
from naiad.service.gateway.operations.job_cursor import parse_cursor, iterate_jobs
from naiad.service.gateway.operations.listing import paged, utc
from naiad.service.jobs.metrics import MetricPoint, metric_files, read_metrics
from naiad.service.store.port import JobQuery

_NAMESPACE = "/aws/sagemaker/TrainingJobs"
_DIMENSION = "TrainingJobName"
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p\d{1,3}(\.\d{1,10})?")
_MAX_DATAPOINTS = 1440
_MAX_DATA = 100_800
_METRICS_PER_PAGE = 500


@dataclass
class _Bucket:
    """The points of one period."""

    count: int = 0
    total: float = 0.0
    lowest: float = float("inf")
    highest: float = float("-inf")
    values: Counter[float] = field(default_factory=Counter)

    def add(self, found: Summary) -> None:
        self.count += found.count
        self.total += found.total
        self.lowest = min(self.lowest, found.lowest)
        self.highest = max(self.highest, found.highest)
        self.values.update(found.values)

    def statistic(self, name: str) -> float:
        if name not in _STATISTICS:
            return self._percentile(float(name[1:]))
        values = (float(self.count), self.total / self.count, self.total, self.lowest, self.highest)
        return values[_STATISTICS.index(name)]

    def _percentile(self, percent: float) -> float:
        """The smallest value that so many are not above."""
        rank, so_far = percent / 100 * self.values.total(), 0
        for value, count in sorted(self.values.items()):
            so_far += count
            if so_far >= rank and count:
                return value
        return self.highest


@dataclass(frozen=True)
class _Series:
    """One metric of one job, over a span of time in steps of a period."""

    namespace: str
    name: str
    dimensions: list[dict[str, str]]
    start: dt.datetime
    end: dt.datetime
    period_s: int


@operation("cloudwatch", "GetMetricStatistics")
def get_metric_statistics(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    extended = asked.get("ExtendedStatistics", [])
    if not asked.get("Statistics") and not extended:
        raise Invalid("Statistics and ExtendedStatistics are missing; give one of them")
    for name in extended:
        _check_percentile(name)
    period_s = _period_s(asked["Period"])
    start, end = _span(asked, period_s)
    series = _Series(asked["Namespace"], asked["MetricName"], asked.get("Dimensions", []), start, end, period_s)
    if (end - start).total_seconds() / series.period_s > _MAX_DATAPOINTS:
        raise Invalid(f"the span has more than {_MAX_DATAPOINTS:,} periods of {series.period_s} s; make Period larger")
    buckets = _buckets(context, series, _MAX_DATAPOINTS + 1)
    unit = METRICS[series.name][0] if series.namespace == NAMESPACE and series.name in METRICS else "None"
    points = [_datapoint(time, bucket, asked, unit) for time, bucket in sorted(buckets.items())]
    return {"Label": series.name, "Datapoints": points}


@operation("cloudwatch", "GetMetricData")
def get_metric_data(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """All in one page. Expressions are refused."""
    newest_first = asked.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    shown = [query for query in asked["MetricDataQueries"] if query.get("ReturnData", True)]
    return {"MetricDataResults": [_data_result(context, asked, query, newest_first=newest_first) for query in shown]}


@operation("cloudwatch", "ListMetrics")
def list_metrics(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    if asked.get("Namespace") == NAMESPACE:
        given = {one["Name"]: one.get("Value") for one in asked.get("Dimensions", [])}
        return {"Metrics": listed(context.endpoints.router.metrics, wanted=asked.get("MetricName"), given=given)}
    if asked.get("Namespace", _NAMESPACE) != _NAMESPACE:
        return {"Metrics": []}
    if any(one["Name"] != _DIMENSION for one in asked.get("Dimensions", [])):
        return {"Metrics": []}
    named = next((one["Value"] for one in asked.get("Dimensions", []) if "Value" in one), None)
    found = _metrics_of_all(context, asked) if named is None else _metrics_of_one(context, asked, named)
    page = list(islice(found, _METRICS_PER_PAGE))
    return paged({"Metrics": [metric for metric, _ in page]}, page[-1][1] if len(page) == _METRICS_PER_PAGE else None)


def _data_result(
    context: Context, asked: dict[str, Any], query: dict[str, Any], *, newest_first: bool
) -> dict[str, Any]:
    if "MetricStat" not in query:
        raise Invalid(f"the query {query['Id']!r} has no MetricStat; expressions are not served")
    stat = query["MetricStat"]
    if stat["Stat"] not in _STATISTICS:
        _check_percentile(stat["Stat"])
    metric, period_s = stat["Metric"], _period_s(stat["Period"])
    start, end = _span(asked, period_s)
    series = _Series(
        metric.get("Namespace", ""),
        metric.get("MetricName", ""),
        metric.get("Dimensions", []),
        start,
        end,
        period_s,
    )
    buckets = sorted(_buckets(context, series, _MAX_DATA).items(), reverse=newest_first)
    return {
        "Id": query["Id"],
        "Label": query.get("Label", series.name),
        "Timestamps": [time for time, _ in buckets],
        "Values": [bucket.statistic(stat["Stat"]) for _, bucket in buckets],
        "StatusCode": "Complete",
    }


def _span(asked: dict[str, Any], period_s: int) -> tuple[dt.datetime, dt.datetime]:
    """The start is rounded down, as CloudWatch does: to whole minutes, or to a shorter period."""
    start, end = utc(asked["StartTime"]), utc(asked["EndTime"])
    assert start is not None
    assert end is not None
    if start >= end:
        raise Invalid(f"StartTime {start.isoformat()} is not before EndTime {end.isoformat()}")
    step_s = min(period_s, 60)
    return dt.datetime.fromtimestamp(start.timestamp() // step_s * step_s, dt.UTC), end


def _period_s(period_s: int) -> int:
    if period_s not in {1, 5, 10, 20, 30} and (period_s <= 0 or period_s % 60):
        raise Invalid(f"Period is {period_s} s; it must be 1, 5, 10, 20, 30 or a multiple of 60")
    return period_s


def _buckets(context: Context, series: _Series, limit: int) -> dict[dt.datetime, _Bucket]:
    """By the start of each period. Raises Invalid when there are more than ``limit``."""
    buckets: dict[dt.datetime, _Bucket] = {}
    for time, summary in _summaries(context, series):
        if series.start <= time < series.end:
            seconds = time.timestamp() // series.period_s * series.period_s
            buckets.setdefault(dt.datetime.fromtimestamp(seconds, dt.UTC), _Bucket()).add(summary)
        if len(buckets) > limit:
            raise Invalid(f"the span has more than {limit:,} periods with points; make Period larger")
    return buckets


def _summaries(context: Context, series: _Series) -> Iterator[tuple[dt.datetime, Summary]]:
    if series.namespace == NAMESPACE:
        dimensions = {one["Name"]: one["Value"] for one in series.dimensions}
        yield from summaries(context.endpoints.router.metrics, series.name, dimensions)
        return
    for point in _points(context, series):
        if point.name == series.name:
            yield point.time, Summary(1, point.value, point.value, point.value, {point.value: 1})


def _points(context: Context, series: _Series) -> Iterator[MetricPoint]:
    """None for another namespace, other dimensions, or a job that is not there: CloudWatch knows no missing metric."""
    match series.dimensions:
        case [{"Name": "TrainingJobName", "Value": str(name)}] if series.namespace == _NAMESPACE:
            try:
                job = context.jobs.describe(JobKind.TRAINING, name)
            except NotFound:
                return
            yield from _points_of_job(context, job)
        case _:
            return


def _points_of_job(context: Context, job: Job) -> Iterator[MetricPoint]:
    attempts = [context.jobs.instances(job, attempt=attempt) for attempt in range(1, job.attempt + 1)]
    files = dict.fromkeys(file for instances in attempts for file in metric_files(instances))
    yield from read_metrics(files)


def _datapoint(time: dt.datetime, bucket: _Bucket, asked: dict[str, Any], unit: str) -> dict[str, Any]:
    point = {"Timestamp": time, "Unit": unit, **{name: bucket.statistic(name) for name in asked.get("Statistics", [])}}
    extended = {name: bucket.statistic(name) for name in asked.get("ExtendedStatistics", [])}
    return {**point, "ExtendedStatistics": extended} if extended else point


def _check_percentile(name: str) -> None:
    if not _PERCENTILE.fullmatch(name) or float(name[1:]) > 100:
        raise Invalid(f"the statistic is {name!r}; {', '.join(_STATISTICS)} are served, and percentiles: p0 to p100")


def _metrics_of_one(context: Context, asked: dict[str, Any], name: str) -> Iterator[tuple[dict[str, Any], object]]:
    try:
        job = context.jobs.describe(JobKind.TRAINING, name)
    except NotFound:
        return
    for metric in _metrics(context, asked, job):
        yield metric, None


def _metrics_of_all(context: Context, asked: dict[str, Any]) -> Iterator[tuple[dict[str, Any], object]]:
    query = JobQuery(JobKind.TRAINING, sort_by="name")
    return iterate_jobs(context.store, query, parse_cursor(asked.get("NextToken")), lambda job: _metrics(context, asked, job))


def _metrics(context: Context, asked: dict[str, Any], job: Job) -> list[dict[str, Any]]:
    wanted = asked.get("MetricName")
    names = sorted({point.name for point in _points_of_job(context, job)})
    return [
        {"Namespace": _NAMESPACE, "MetricName": name, "Dimensions": [{"Name": _DIMENSION, "Value": job.name}]}
        for name in names
        if wanted is None or wanted == name
    ]
