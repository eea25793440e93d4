"""Checks of CreateProcessingJob beyond AWS's published model."""

from typing import Any

from naiad.service.contract.request_checks import (
    InstanceRequest,
    Request,
    check_distinct,
    check_local_path,
    check_network,
    check_text_size,
    check_variables,
    refuse,
)
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.stop_timeout import stop_timeout_s

_FOLDER = "/opt/ml/processing"


def check_processing(request: Request) -> None:
    """Raises Invalid. Does not look at buckets: ``processing_uris`` returns those of the request."""
    inputs, outputs = request.get("ProcessingInputs", ()), _outputs(request)
    check_distinct([each["InputName"] for each in inputs], at="ProcessingInputs")
    check_distinct([each["OutputName"] for each in outputs], at="ProcessingOutputConfig.Outputs")
    for each in inputs:
        _check_input(each, at=f"ProcessingInputs.{each['InputName']}")
    for each in outputs:
        _check_output(each, at=f"ProcessingOutputConfig.Outputs.{each['OutputName']}")
    check_network(request.get("NetworkConfig", {}))
    check_text_size("Environment", request.get("Environment", {}))
    check_variables("Environment", request.get("Environment", {}))
    stop_timeout_s(request.get("Environment", {}))


def processing_instances(request: Request) -> InstanceRequest:
    """Raises Invalid."""
    config = request["ProcessingResources"].get("ClusterConfig", {})
    refuse(config, "InstancePreferences", "give one InstanceType")
    if "InstanceType" not in config or "InstanceCount" not in config:
        raise Invalid("ProcessingResources.ClusterConfig has no InstanceType and InstanceCount: give both")
    return InstanceRequest(config["InstanceType"], config["InstanceCount"])


def processing_uris(request: Request) -> list[tuple[str, str]]:
    """Returns (place in the request, URI) of everything that the job reads and writes."""
    return [
        *(
            (f"ProcessingInputs.{each['InputName']}.S3Uri", each["S3Input"]["S3Uri"])
            for each in request.get("ProcessingInputs", ())
        ),
        *(
            (f"ProcessingOutputConfig.{each['OutputName']}.S3Uri", each["S3Output"]["S3Uri"])
            for each in _outputs(request)
        ),
    ]


def _outputs(request: Request) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs


def _check_input(entry: dict[str, Any], *, at: str) -> None:
    refuse(entry, "DatasetDefinition", f"{at}: there is no Athena or Redshift here; give S3Input")
    refuse(entry, "AppManaged", f"{at}: the program would have to fetch it itself; give S3Input")
    if "S3Input" not in entry:
        raise Invalid(f"{at} has no S3Input")
    source = entry["S3Input"]
    if source.get("S3InputMode") == "Pipe":
        raise Invalid(f"{at}.S3InputMode: Pipe mode is not served: use File")
    if source.get("S3CompressionType", "None") != "None":
        raise Invalid(f"{at}.S3CompressionType belongs to Pipe mode; leave it out")
    _check_path(source, at)


def _check_output(entry: dict[str, Any], *, at: str) -> None:
    refuse(entry, "FeatureStoreOutput", f"{at}: there is no feature store here; give S3Output")
    refuse(entry, "AppManaged", f"{at}: the program would have to store it itself; give S3Output")
    if "S3Output" not in entry:
        raise Invalid(f"{at} has no S3Output")
    _check_path(entry["S3Output"], at)


def _check_path(location: dict[str, Any], at: str) -> None:
    if "LocalPath" not in location:
        raise Invalid(f"{at} has no LocalPath: give a folder in {_FOLDER}")
    check_local_path(location["LocalPath"], at=f"{at}.LocalPath", below=_FOLDER)
