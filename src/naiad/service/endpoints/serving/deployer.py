"""Deployer: starts the deployments of endpoints, and ends those that were replaced."""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from naiad.service.domain.job import ResourceRequest
from naiad.service.endpoints.rollout import Rollout, RolloutVariant
from naiad.service.endpoints.serving.deployment import Deployment
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse
from naiad.service.endpoints.serving.invocation_metrics import InvocationMetrics
from naiad.service.endpoints.serving.log_streams import logs_folder
from naiad.service.endpoints.serving.model_preparer import ModelPreparer
from naiad.service.endpoints.serving.replica_monitor import ReplicaMonitor
from naiad.service.endpoints.serving.replica_ports import ReplicaPorts


@dataclass
class Deployer:
    """Used on the event loop's thread only."""

    preparer: ModelPreparer
    state_folder: Path
    resources_of: Callable[[RolloutVariant], ResourceRequest]
    metrics: InvocationMetrics
    monitor: ReplicaMonitor = field(default_factory=ReplicaMonitor)
    ports: ReplicaPorts = field(default_factory=ReplicaPorts)
    _closing: set["asyncio.Task[None]"] = field(default_factory=set)

    async def start(self, endpoint: str, rollout: Rollout, previous: Deployment | None = None) -> Deployment:
        """Returns when it answers. Raises ServiceError with the variant's reason. previous: as ``Deployment.start`` has it."""
        deployment = Deployment(
            rollout,
            self._endpoint_folder(endpoint) / f"{rollout.deployment_number}",
            logs_folder(self.state_folder, endpoint),
            self.preparer,
            self.resources_of,
            on_finished=lambda variant, invocation, response: self._record(endpoint, variant, invocation, response),
            monitor=self.monitor,
            ports=self.ports,
        )
        await deployment.start(previous)
        return deployment

    def retire(self, deployment: Deployment) -> None:
        """Ends a deployment that was replaced, in the background, once it has answered what it has."""
        task = asyncio.get_running_loop().create_task(self._close(deployment))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def remove(self, endpoint: str, deployment: Deployment | None) -> None:
        """Ends what an endpoint runs, and removes its files."""
        if deployment is not None:
            await deployment.close()
        await asyncio.to_thread(shutil.rmtree, self._endpoint_folder(endpoint), ignore_errors=True)

    def remove_control_groups(self) -> None:
        """Removes what replicas have left, those of a server that was killed among them. For when none runs. Blocks."""
        self.preparer.sandbox.remove_control_groups()

    async def _close(self, deployment: Deployment) -> None:
        await deployment.close()
        await asyncio.to_thread(shutil.rmtree, deployment.folder, ignore_errors=True)

    def _endpoint_folder(self, endpoint: str) -> Path:
        return self.state_folder / "endpoints" / endpoint

    def _record(self, endpoint: str, variant: str, invocation: Invocation, response: InvocationResponse) -> None:
        if not invocation.sent_at:
            self.metrics.record_refusal(endpoint, variant, response.status)
            return
        now = time.monotonic()
        model_s = now - invocation.sent_at
        overhead_s = now - invocation.received_at - model_s
        self.metrics.record(
            endpoint, variant, response.status, model_s=model_s, overhead_s=overhead_s, count=invocation.count
        )
