"""The table of doors. A new door is one row here."""

from collections.abc import Collection

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations
from naiad.service.gateway.api_door import ApiDoor
from naiad.service.gateway.door import Door
from naiad.service.gateway.http.body_budget import UnverifiedBodies
from naiad.service.gateway.invocation_door import InvocationDoor
from naiad.service.gateway.operation import Services
from naiad.service.gateway.s3.s3_door import S3Door
from naiad.service.gateway.s3.service import S3Service
from naiad.service.gateway.signing.authenticator import Authenticator
from naiad.service.gateway.unsigned_doors import MetricsDoor, PingDoor
from naiad.service.keys import Keys

UPLOAD_TIMEOUT_S = 60.0


def open_doors(
    services: Services,
    keys: Keys,
    async_invocations: AsyncInvocations,
    *,
    upload_timeout_s: float = UPLOAD_TIMEOUT_S,
    open_metrics: bool = False,
    damage: DamageLog | None = None,
    host_names: Collection[str] | None = (),
) -> tuple[Door, ...]:
    """Returns the doors in the order in which they are asked; the last one owns every request.

    ``upload_timeout_s``: how long no byte of a body may come before the request is rejected.
    ``damage``: the damaged objects, for /metrics.
    ``host_names``: names of the server besides addresses and localhost; None: it may have names that it does not know.
    ``open_metrics``: whether GET /metrics needs no signature, because only this machine can reach it.
    """
    router, region = services.endpoints.router, services.region
    authenticator, unverified = Authenticator(keys, services.store, services.clock), UnverifiedBodies()
    metrics = (MetricsDoor(router, damage or DamageLog(), host_names),) if open_metrics else ()
    return (
        PingDoor(host_names),
        *metrics,
        S3Door(S3Service(services.blobs, region), authenticator, unverified, upload_timeout_s),
        InvocationDoor(
            router, async_invocations, region, authenticator, unverified=unverified, upload_timeout_s=upload_timeout_s
        ),
        ApiDoor(services, authenticator, unverified, upload_timeout_s),
    )
