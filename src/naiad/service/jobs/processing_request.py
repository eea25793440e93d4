"""CreateProcessingJob beyond AWS's model."""

from typing import Any

from naiad.service.contract.requests import (
    Ask,
    Request,
    check_distinct,
    check_local_path,
    check_network,
    check_no_nul,
    check_text_size,
    refuse,
)
from naiad.service.domain.errors import Invalid

_FOLDER = "/opt/ml/processing"


def check_processing(request: Request) -> None:
    """Raises Invalid. Buckets are looked at elsewhere: ``uris_of_processing`` tells which."""
    inputs, outputs = request.get("ProcessingInputs", ()), _outputs(request)
    check_distinct([one["InputName"] for one in inputs], at="ProcessingInputs")
    check_distinct([one["OutputName"] for one in outputs], at="ProcessingOutputConfig.Outputs")
    for one in inputs:
        _check_input(one, at=f"ProcessingInputs.{one['InputName']}")
    for one in outputs:
        _check_output(one, at=f"ProcessingOutputConfig.Outputs.{one['OutputName']}")
    check_network(request.get("NetworkConfig", {}))
    check_text_size("Environment", request.get("Environment", {}))
    check_no_nul("Environment", request.get("Environment", {}))


def ask_of_processing(request: Request) -> Ask:
    """Raises Invalid."""
    config = request["ProcessingResources"].get("ClusterConfig", {})
    refuse(config, "InstancePreferences", "give one InstanceType")
    if "InstanceType" not in config or "InstanceCount" not in config:
        raise Invalid("ProcessingResources.ClusterConfig has no InstanceType and InstanceCount: give both")
    return Ask(config["InstanceType"], config["InstanceCount"])


def uris_of_processing(request: Request) -> list[tuple[str, str]]:
    """(where in the request, URI), of all that the job will read and write."""
    return [
        *(
            (f"ProcessingInputs.{one['InputName']}.S3Uri", one["S3Input"]["S3Uri"])
            for one in request.get("ProcessingInputs", ())
        ),
        *((f"ProcessingOutputConfig.{one['OutputName']}.S3Uri", one["S3Output"]["S3Uri"]) for one in _outputs(request)),
    ]


def _outputs(request: Request) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs


def _check_input(one: dict[str, Any], *, at: str) -> None:
    refuse(one, "DatasetDefinition", f"{at}: there is no Athena or Redshift here; give S3Input")
    refuse(one, "AppManaged", f"{at}: the program would have to fetch it itself; give S3Input")
    if "S3Input" not in one:
        raise Invalid(f"{at} has no S3Input")
    source = one["S3Input"]
    if source.get("S3InputMode") == "Pipe":
        raise Invalid(f"{at}.S3InputMode: Pipe mode is not served: take File")
    if source.get("S3CompressionType", "None") != "None":
        raise Invalid(f"{at}.S3CompressionType belongs to Pipe mode; leave it out")
    _check_path(source, at)


def _check_output(one: dict[str, Any], *, at: str) -> None:
    refuse(one, "FeatureStoreOutput", f"{at}: there is no feature store here; give S3Output")
    refuse(one, "AppManaged", f"{at}: the program would have to store it itself; give S3Output")
    if "S3Output" not in one:
        raise Invalid(f"{at} has no S3Output")
    _check_path(one["S3Output"], at)


def _check_path(part: dict[str, Any], at: str) -> None:
    if "LocalPath" not in part:
        raise Invalid(f"{at} has no LocalPath: give a folder in {_FOLDER}")
    check_local_path(part["LocalPath"], at=f"{at}.LocalPath", below=_FOLDER)
