"""Counts and latencies of endpoints in Prometheus's text format. They start at zero with the server."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.endpoints.serving.invocation_metrics import BUCKET_EDGES_S, TotalMetrics
from naiad.service.endpoints.serving.router import EndpointRouter

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LABELS = ("endpoint", "variant")


def render_metrics(endpoints: EndpointRouter, damage: DamageLog) -> bytes:
    registry = CollectorRegistry()
    registry.register(_EndpointCollector(endpoints))
    registry.register(_DamageCollector(damage))
    return generate_latest(registry)


class _DamageCollector(Collector):
    def __init__(self, damage: DamageLog) -> None:
        self._damage = damage

    def collect(self) -> Iterator[Metric]:
        text = "Objects that were found damaged, and neither put again nor deleted since"
        yield GaugeMetricFamily("naiad_damaged_objects", text, len(self._damage.objects))


class _EndpointCollector(Collector):
    def __init__(self, endpoints: EndpointRouter) -> None:
        self._endpoints = endpoints

    def collect(self) -> Iterator[Metric]:
        counts = CounterMetricFamily("naiad_invocations", "Invocations by status", labels=(*_LABELS, "status"))
        latency = HistogramMetricFamily("naiad_invocation_seconds", "From request to answer", labels=_LABELS)
        for key, total in list(self._endpoints.metrics.totals.items()):
            for status, count in sorted(total.by_status.items()):
                counts.add_metric((*key, str(status)), count)
            latency.add_metric(key, _cumulative(total), total.total_s)
        yield counts
        yield latency
        yield from self._gauges()

    def _gauges(self) -> Iterator[Metric]:
        ready = GaugeMetricFamily("naiad_instances_ready", "Instances that answer", labels=_LABELS)
        wanted = GaugeMetricFamily("naiad_instances_wanted", "Instances that there are to be", labels=_LABELS)
        waiting = GaugeMetricFamily("naiad_invocations_waiting", "Invocations that no replica has yet", labels=_LABELS)
        for name, variant, state in self._endpoints.all_states():
            ready.add_metric((name, variant), state.ready_count)
            wanted.add_metric((name, variant), state.desired_count)
            waiting.add_metric((name, variant), state.queue_length)
        yield from (ready, wanted, waiting)


def _cumulative(total: TotalMetrics) -> list[tuple[str, float]]:
    sums, count_so_far = [], 0
    for edge, count in zip((*map(str, BUCKET_EDGES_S), "+Inf"), total.buckets, strict=True):
        count_so_far += count
        sums.append((edge, float(count_so_far)))
    return sums
