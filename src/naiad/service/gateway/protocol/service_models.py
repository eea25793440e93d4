"""AWS's published service models, as botocore carries them; loaded when a service is first used."""

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

TARGET_PREFIXES = {"SageMaker": "sagemaker", "Logs_20140328": "logs", "GraniteServiceVersion20100801": "cloudwatch"}
"""botocore's name of a service by the prefix of X-Amz-Target."""
QUERY_SERVICES = {"monitoring": "cloudwatch", "sts": "sts", "iam": "iam"}
"""botocore's name of a service by that in a credential scope, for the query protocol: ``Action=…`` names the operation."""


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def operation_model(service: str, name: str) -> OperationModel | None:
    """Returns None when AWS has no such operation."""
    model = service_model(service)
    return model.operation_model(name) if name in model.operation_names else None


def wire_name(shape: Any, name: str) -> str:
    """Returns the name of a member in requests and responses."""
    return str(shape.members[name].serialization.get("name", name))
