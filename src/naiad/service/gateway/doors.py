"""The table of doors. A new door is one row here."""

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations
from naiad.service.gateway.api_door import ApiDoor
from naiad.service.gateway.door import Door
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
) -> tuple[Door, ...]:
    """Returns the doors in the order in which they are asked; the last one owns every request.

    ``upload_timeout_s``: how long no byte of a body may come before the request is rejected.
    ``damage``: the damaged objects, for /metrics.
    ``open_metrics``: whether GET /metrics needs no signature, because only this machine can reach it.
    """
    router, region = services.endpoints.router, services.region
    authenticator = Authenticator(keys, services.store, services.clock)
    metrics = (MetricsDoor(router, damage or DamageLog()),) if open_metrics else ()
    return (
        PingDoor(),
        *metrics,
        S3Door(S3Service(services.blobs, region), authenticator, upload_timeout_s),
        InvocationDoor(router, async_invocations, region, authenticator, upload_timeout_s),
        ApiDoor(services, authenticator, upload_timeout_s),
    )
