"""What is kept by name besides jobs: models, endpoint configurations, endpoints, and the model registry."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from naiad.service.domain.job import ACCOUNT


class EntityKind(StrEnum):
    """Values are AWS's words in ARNs."""

    MODEL = "model"
    ENDPOINT_CONFIG = "endpoint-config"
    ENDPOINT = "endpoint"
    MODEL_PACKAGE_GROUP = "model-package-group"
    MODEL_PACKAGE = "model-package"


@dataclass(frozen=True)
class Entity:
    """Immutable. All times are aware and in UTC."""

    kind: EntityKind
    name: str
    """Unique among its kind. Of a model package: ``<group>/<version>``."""
    region: str
    request: Mapping[str, Any]
    """The Create… request as it was accepted, in AWS's shape."""
    created_at: dt.datetime
    modified_at: dt.datetime
    status: str = ""
    """Of an endpoint ``EndpointStatus``, of a model package ``ModelApprovalStatus``; others have none."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What the service has added since; JSON."""

    @property
    def arn(self) -> str:
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:{self.kind}/{self.name}"


class EndpointStatus(StrEnum):
    """AWS's words."""

    CREATING = "Creating"  # its first replicas are being started
    IN_SERVICE = "InService"  # answers
    UPDATING = "Updating"  # answers by the old configuration while the new one is being started
    DELETING = "Deleting"  # answers no more; what it had begun is finished
    FAILED = "Failed"  # the first start failed; ``detail["failure_reason"]`` tells why
