"""AWS's published models, as botocore carries them, loaded when a service is first used."""

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

TARGETS = {"SageMaker": "sagemaker", "Logs_20140328": "logs", "GraniteServiceVersion20100801": "cloudwatch"}
"""Beginnings of X-Amz-Target, by botocore's name of the service."""
SCOPES = {"monitoring": "cloudwatch", "sts": "sts", "iam": "iam"}
"""Services of a credential scope whose requests name the operation in a form: ``Action=…``."""


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def operation_model(service: str, name: str) -> OperationModel | None:
    """None when AWS has no such operation."""
    model = service_model(service)
    return model.operation_model(name) if name in model.operation_names else None


def wire_name(shape: Any, name: str) -> str:
    """What a member is called on the wire."""
    return str(shape.members[name].serialization.get("name", name))
