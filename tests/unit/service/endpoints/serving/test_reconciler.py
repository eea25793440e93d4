"""Changes that the reconciler carries out, with deployments that start nothing."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from naiad.service.domain.entity import EndpointStatus, Entity
from naiad.service.domain.errors import NotFound, ServiceError
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.endpoints.endpoint_detail import EndpointDetail
from naiad.service.endpoints.rollout import Rollout
from naiad.service.endpoints.serving.reconciler import EndpointReconciler

CONTAINER = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz"}


class RecordingDeployer:
    """Deployer whose deployments fail for the configurations in ``broken``."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.retired: list[int] = []
        self.removals = 0

    async def start(self, _endpoint: str, rollout: Rollout, _previous: Any = None) -> Any:
        if rollout.config_name in self.broken:
            raise ServiceError("no weights")
        return SimpleNamespace(rollout=rollout)

    def retire(self, deployment: Any) -> None:
        self.retired.append(deployment.rollout.deployment_number)

    def remove_control_groups(self) -> None:
        self.removals += 1

    async def remove(self, _endpoint: str, _deployment: Any) -> None: ...


@pytest.fixture
def deployer(service: EndpointService) -> RecordingDeployer:
    deployer = RecordingDeployer()
    service.reconciler.deployer = deployer  # type: ignore[assignment]
    return deployer


def add_config(service: EndpointService, name: str) -> None:
    service.catalog.create_model({"ModelName": name, "PrimaryContainer": CONTAINER}, {})
    variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    service.catalog.create_endpoint_config({"EndpointConfigName": name, "ProductionVariants": [variant]}, {})


def reconcile(reconciler: EndpointReconciler) -> None:
    """Carries out one change of each endpoint."""

    async def run() -> None:
        await reconciler.reconcile_all()
        await asyncio.gather(*reconciler._tasks.values())

    asyncio.run(run())


def described(service: EndpointService) -> tuple[Entity, EndpointDetail]:
    entity = service.describe("e")
    return entity, EndpointDetail.from_json(entity.detail)


def test_create_update_and_delete(service: EndpointService, deployer: RecordingDeployer):
    for name in ("one", "two"):
        add_config(service, name)
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})
    reconcile(service.reconciler)
    entity, detail = described(service)
    assert (entity.status, detail.pending_rollout) == (EndpointStatus.IN_SERVICE, None)
    service.update({"EndpointName": "e", "EndpointConfigName": "two"})
    reconcile(service.reconciler)
    assert service.router.rollout("e").config_name == "two"
    assert deployer.retired == [1]
    service.delete("e")
    reconcile(service.reconciler)
    assert service.router.deployments == {}
    with pytest.raises(NotFound):
        service.describe("e")


def test_a_first_start_that_fails(service: EndpointService, deployer: RecordingDeployer):
    add_config(service, "one")
    deployer.broken.add("one")
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})
    reconcile(service.reconciler)
    entity, detail = described(service)
    assert (entity.status, detail.failure_reason) == (EndpointStatus.FAILED, "no weights")


def test_an_update_that_fails_is_rolled_back(service: EndpointService, deployer: RecordingDeployer):
    for name in ("one", "two"):
        add_config(service, name)
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})
    reconcile(service.reconciler)
    deployer.broken.add("two")
    service.update({"EndpointName": "e", "EndpointConfigName": "two"})
    reconcile(service.reconciler)
    entity, detail = described(service)
    assert (entity.status, detail.failure_reason) == (
        EndpointStatus.IN_SERVICE,
        "the update to two was taken back: no weights",
    )
    assert service.router.rollout("e").config_name == "one"


def test_an_endpoint_in_service_is_started_again(service: EndpointService, deployer: RecordingDeployer):
    assert not deployer.broken
    add_config(service, "one")
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})
    reconcile(service.reconciler)
    service.router.deployments.clear()
    reconcile(service.reconciler)
    assert service.router.rollout("e").deployment_number == 1


def test_what_a_killed_server_has_left_is_removed_before_anything_starts(
    service: EndpointService, deployer: RecordingDeployer
):
    add_config(service, "one")
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})
    removals: list[int] = []
    start = deployer.start

    async def record(*arguments: Any) -> Any:
        removals.append(deployer.removals)
        return await start(*arguments)

    deployer.start = record  # type: ignore[method-assign]

    async def main() -> None:
        task = asyncio.create_task(service.reconciler.run())
        while not removals:
            await asyncio.sleep(0)
        service.reconciler.router.deployments.clear()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(main())
    assert removals == [1]
