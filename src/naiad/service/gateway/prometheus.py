"""Counts and latencies of endpoints in Prometheus's text format. They start at zero with the server."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.endpoints.serving.invocation_metrics import BUCKET_EDGES_S, TotalMetrics
from naiad.service.endpoints.serving.router import EndpointRouter
from naiad.service.endpoints.serving.variant import VariantState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LABELS = ("endpoint", "variant")


@dataclass(frozen=True)
class Snapshot:
    totals: list[tuple[tuple[str, str], TotalMetrics]]
    """Counts by (endpoint, variant)."""
    states: list[tuple[str, str, VariantState]]
    damaged_objects: int


def take_snapshot(endpoints: EndpointRouter, damage: DamageLog) -> Snapshot:
    """Used on the event loop's thread, which writes them."""
    return Snapshot(list(endpoints.metrics.totals.items()), endpoints.all_states(), len(damage.objects))


def render_metrics(snapshot: Snapshot) -> bytes:
    """Blocks, in time that grows with the number of endpoints."""
    registry = CollectorRegistry()
    registry.register(_EndpointCollector(snapshot))
    registry.register(_DamageCollector(snapshot))
    return generate_latest(registry)


class _DamageCollector(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        text = "Objects that were found damaged, and neither put again nor deleted since"
        yield GaugeMetricFamily("naiad_damaged_objects", text, self._snapshot.damaged_objects)


class _EndpointCollector(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        counts = CounterMetricFamily("naiad_invocations", "Invocations by status", labels=(*_LABELS, "status"))
        latency = HistogramMetricFamily("naiad_invocation_seconds", "From request to answer", labels=_LABELS)
        for key, total in self._snapshot.totals:
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
        for name, variant, state in self._snapshot.states:
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
