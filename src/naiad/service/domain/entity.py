"""Entities: what the service keeps by name besides jobs: models, endpoints, the model registry, experiments, artifacts, tuning
jobs.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from naiad.service.domain.job import ACCOUNT_ID


class EntityKind(StrEnum):
    """The kind of an entity; the values are AWS's words in ARNs."""

    MODEL = "model"
    ENDPOINT_CONFIG = "endpoint-config"
    ENDPOINT = "endpoint"
    MODEL_PACKAGE_GROUP = "model-package-group"
    MODEL_PACKAGE = "model-package"
    EXPERIMENT = "experiment"
    TRIAL = "experiment-trial"
    TRIAL_COMPONENT = "experiment-trial-component"
    ARTIFACT = "artifact"
    TUNING = "hyper-parameter-tuning-job"


@dataclass(frozen=True)
class Entity:
    """One entity. All times are aware and in UTC."""

    kind: EntityKind
    name: str
    """Unique among its kind; for a model package ``<group>/<version>``."""
    region: str
    request: Mapping[str, Any]
    """The Create… request as it was accepted, in AWS's shape."""
    created_at: dt.datetime
    modified_at: dt.datetime
    status: str = ""
    """``EndpointStatus`` for an endpoint, ``ModelApprovalStatus`` for a model package, ``TuningStatus`` for a tuning job, or that
    of the request; else empty.
    """
    detail: Mapping[str, Any] = field(default_factory=dict)
    """JSON values that the service has added to the request."""

    @property
    def creator(self) -> str | None:
        """The access key that has made a model, package or tuning job; None for those of earlier versions, and other kinds."""
        creator = self.detail.get("creator")
        return creator if isinstance(creator, str) else None

    @property
    def arn(self) -> str:
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT_ID}:{self.kind}/{self.name}"


class EndpointStatus(StrEnum):
    """The status of an endpoint, in AWS's words."""

    CREATING = "Creating"  # its first replicas are being started
    IN_SERVICE = "InService"  # it answers requests
    UPDATING = "Updating"  # it answers with the old configuration while the new one is being started
    DELETING = "Deleting"  # it takes no new requests, and finishes those that have begun
    FAILED = "Failed"  # the first start failed; ``detail["failure_reason"]`` says why
