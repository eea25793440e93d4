"""CreateTransformJob beyond AWS's model."""

from typing import Any

from naiad.service.contract.requests import Ask, Request, check_no_nul, check_text_size, refuse
from naiad.service.domain.errors import Invalid

_SPLITS = ("None", "Line")


def check_transform(request: Request) -> None:
    """Raises Invalid. Buckets are looked at elsewhere: ``uris_of_transform`` tells which."""
    given = request["TransformInput"]
    if given.get("SplitType", "None") not in _SPLITS:
        raise Invalid(f"SplitType {given['SplitType']} is not served; give Line or None")
    if "S3DataSource" not in given["DataSource"]:
        raise Invalid("TransformInput.DataSource has no S3DataSource")
    source = given["DataSource"]["S3DataSource"]
    if source["S3DataType"] == "AugmentedManifestFile":
        raise Invalid("S3DataType AugmentedManifestFile is not served; give S3Prefix or ManifestFile")
    refuse(dict(request), "DataCaptureConfig", "requests are not captured here")
    environment = request.get("Environment", {})
    check_text_size("Environment", environment)
    check_no_nul("Environment", environment)


def ask_of_transform(request: Request) -> Ask:
    config: dict[str, Any] = request["TransformResources"]
    return Ask(config["InstanceType"], config["InstanceCount"])


def uris_of_transform(request: Request) -> list[tuple[str, str]]:
    """(where in the request, URI), of all that the job will read and write."""
    return [
        ("TransformInput.S3Uri", request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]),
        ("TransformOutput.S3OutputPath", request["TransformOutput"]["S3OutputPath"]),
    ]
