"""Router: brings invocations to the deployments that answer, and says why an endpoint does not answer."""

import asyncio
from dataclasses import dataclass, field

from naiad.service.domain.entity import EndpointStatus
from naiad.service.domain.errors import NotFound, ServiceError
from naiad.service.endpoints.rollout import Rollout
from naiad.service.endpoints.serving.deployment import Deployment
from naiad.service.endpoints.serving.invocation import Invocation, NotReady, QueueFull
from naiad.service.endpoints.serving.invocation_metrics import InvocationMetrics
from naiad.service.endpoints.serving.variant import Variant, VariantState

_SERVING = (EndpointStatus.IN_SERVICE, EndpointStatus.UPDATING)
_QUEUE_FULL_STATUS = 503


@dataclass
class EndpointRouter:
    """Used on the event loop's thread; other threads may call ``variant_states`` and ``all_states``."""

    metrics: InvocationMetrics
    deployments: dict[str, Deployment] = field(default_factory=dict)
    """Deployments that answer, by endpoint."""
    statuses: dict[str, str] = field(default_factory=dict)
    """Status of each endpoint in the store."""
    is_loading: bool = False
    """Whether the server runs and has not read the store yet: then it does not know which endpoints there are."""

    def submit(self, endpoint: str, invocation: Invocation, *, target: str = "", is_retry: bool = False) -> Variant:
        """Returns the variant that takes it. target: names the variant; empty chooses by the weights.

        Raises NotFound; NotReady when the queue is full, which is counted except for a retry, or while the endpoint starts.
        """
        deployment = self.deployments.get(endpoint)
        if deployment is None:
            raise self._absence(endpoint)
        variant = deployment.choose_variant(target)
        try:
            variant.pool.submit(invocation)
        except QueueFull:
            if not is_retry:
                self.metrics.record_refusal(endpoint, variant.name, _QUEUE_FULL_STATUS)
            raise
        if deployment.shadow_variants and not target:
            self._send_to_shadows(deployment, invocation)
        return variant

    def rollout(self, endpoint: str) -> Rollout:
        """Returns what answers now. Raises NotFound, NotReady."""
        deployment = self.deployments.get(endpoint)
        if deployment is None:
            raise self._absence(endpoint)
        return deployment.rollout

    def variant_states(self, endpoint: str) -> dict[str, VariantState]:
        """Returns states by variant, shadow variants included; empty while nothing runs."""
        deployment = self.deployments.get(endpoint)
        if deployment is None:
            return {}
        return {name: variant.state for name, variant in deployment.all_variants().items()}

    def all_states(self) -> list[tuple[str, str, VariantState]]:
        """Returns (endpoint, variant, state) of all that run."""
        return [
            (endpoint, variant, state)
            for endpoint in list(self.deployments)
            for variant, state in self.variant_states(endpoint).items()
        ]

    def _absence(self, endpoint: str) -> ServiceError:
        """Returns why it does not answer. An endpoint that was in service is so again soon after the server's start."""
        status = self.statuses.get(endpoint)
        if self.is_loading or status in _SERVING:
            return NotReady(f"endpoint {endpoint} is being started: its replicas load their model", retry_after_s=1)
        if status is None:
            return NotFound(f"Endpoint {endpoint} not found")
        return NotFound(f"Endpoint {endpoint} is {status}: it answers when it is InService")

    def _send_to_shadows(self, deployment: Deployment, invocation: Invocation) -> None:
        """Sends a copy to each shadow variant. No client gets its response, and it never holds up the original."""
        for variant in deployment.shadow_variants.values():
            response = asyncio.get_running_loop().create_future()
            copy = Invocation(invocation.meta, invocation.body, response, invocation.received_at)
            try:
                variant.pool.submit(copy)
            except ServiceError:
                continue
