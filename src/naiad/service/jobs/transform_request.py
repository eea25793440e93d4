"""Checks of CreateTransformJob beyond AWS's published model."""

from typing import Any

from naiad.service.contract.request_checks import InstanceRequest, Request, check_text_size, check_variables, refuse
from naiad.service.domain.errors import Invalid

_SPLIT_TYPES = ("None", "Line")


def check_transform(request: Request) -> None:
    """Raises Invalid. Does not look at buckets: ``transform_uris`` returns those of the request."""
    transform_input = request["TransformInput"]
    if transform_input.get("SplitType", "None") not in _SPLIT_TYPES:
        raise Invalid(f"SplitType {transform_input['SplitType']} is not served; give Line or None")
    if "S3DataSource" not in transform_input["DataSource"]:
        raise Invalid("TransformInput.DataSource has no S3DataSource")
    source = transform_input["DataSource"]["S3DataSource"]
    if source["S3DataType"] == "AugmentedManifestFile":
        raise Invalid("S3DataType AugmentedManifestFile is not served; give S3Prefix or ManifestFile")
    refuse(dict(request), "DataCaptureConfig", "requests are not captured here")
    environment = request.get("Environment", {})
    check_text_size("Environment", environment)
    check_variables("Environment", environment)


def transform_instances(request: Request) -> InstanceRequest:
    config: dict[str, Any] = request["TransformResources"]
    return InstanceRequest(config["InstanceType"], config["InstanceCount"])


def transform_uris(request: Request) -> list[tuple[str, str]]:
    """Returns (place in the request, URI) of everything that the job reads and writes."""
    return [
        ("TransformInput.S3Uri", request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]),
        ("TransformOutput.S3OutputPath", request["TransformOutput"]["S3OutputPath"]),
    ]
