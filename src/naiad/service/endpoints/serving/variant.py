"""Variant of a running deployment: its replicas, and how many instances it should have."""

import logging
from dataclasses import dataclass, replace

from naiad.service.endpoints.rollout import RolloutVariant
from naiad.service.endpoints.serving.replica_pool import ReplicaPool
from naiad.service.endpoints.serving.scaling import InstanceScaler, LoadSample

_LOG = logging.getLogger(__name__)
SCALE_INTERVAL_S = 1.0


@dataclass(frozen=True)
class VariantState:
    ready_count: int
    """Instances that answer."""
    desired_count: int
    queue_length: int
    """Invocations that no replica has yet."""


@dataclass
class Variant:
    settings: RolloutVariant
    pool: ReplicaPool
    scaler: InstanceScaler
    replicas_per_instance: int
    """One a core, each with one thread."""
    desired_count: int
    """Instances that it should have now."""
    _busy_s: float = 0.0
    _sampled_at: float = 0.0

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def state(self) -> VariantState:
        ready_count = -(-len(self.pool.replicas) // self.replicas_per_instance)
        return VariantState(ready_count, self.desired_count, len(self.pool.queue))

    def inherit_scale(self, previous: "Variant") -> None:
        """Takes at least as many instances as a previous deployment was scaled to, within its own bounds."""
        if not previous.scaler.bounds.is_fixed:
            bounds = self.scaler.bounds
            desired_count = max(self.desired_count, previous.desired_count, bounds.min_count)
            self.desired_count = min(desired_count, bounds.max_count)

    def resize(self, count: int) -> None:
        """Sets the number of instances."""
        self.desired_count = count
        self.pool.resize(count * self.replicas_per_instance)

    def update(self, settings: RolloutVariant) -> None:
        """Takes the weight and the bounds of another rollout; the number of instances stays."""
        self.settings = settings
        self.scaler.bounds = replace(
            self.scaler.bounds, min_count=settings.min_instance_count, max_count=settings.max_instance_count
        )

    def scale(self, now: float) -> None:
        """Resizes it by its load since the last call. now: on the monotonic clock."""
        if self.pool.replica_set.desired_count and not self.desired_count:
            self.resize(1)  # an invocation has woken it
        busy_s = sum(replica.busy_seconds(now) for replica in self.pool.replicas)
        span_s = now - self._sampled_at if self._sampled_at else SCALE_INTERVAL_S
        busy_instances = max(0.0, busy_s - self._busy_s) / span_s / self.replicas_per_instance
        self._busy_s, self._sampled_at = busy_s, now
        desired_count = self.scaler.desired_count(
            LoadSample(now, busy_instances, len(self.pool.queue)),
            current_count=self.desired_count,
            last_invocation_at=self.pool.last_invocation_at,
        )
        if desired_count != self.desired_count:
            _LOG.info("variant %s: %d instances → %d", self.name, self.desired_count, desired_count)
            self.resize(desired_count)
