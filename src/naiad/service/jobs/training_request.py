"""Checks of CreateTrainingJob beyond AWS's published model."""

import re
from typing import Any

from naiad.service.contract.request_checks import (
    InstanceRequest,
    Request,
    check_count,
    check_distinct,
    check_local_path,
    check_network,
    check_text_size,
    check_variables,
    refuse,
)
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.hyperparameters import decode_values
from naiad.service.jobs.agent.stop_timeout import stop_timeout_s
from naiad.service.jobs.script_request import check_distribution, is_script_mode, names_script, script_of

_ML = "/opt/ml"
_RESERVED_FOLDERS = ("/opt/ml/input", "/opt/ml/model", "/opt/ml/output", "/opt/ml/code", "/opt/ml/python")
_PIPE = "Pipe mode is not served: use File, or FastFile, which is fetched like File"


def check_training(request: Request) -> None:
    """Raises Invalid. Does not look at buckets: ``training_uris`` returns those of the request."""
    _check_algorithm(request.get("AlgorithmSpecification", {}))
    if is_script_mode(request) and names_script(request):
        script_of(request)
        check_distribution(request.get("HyperParameters", {}))
    _check_channels(request.get("InputDataConfig", ()))
    _check_groups_of_channels(request)
    _check_times(request)
    _check_checkpoints(request.get("CheckpointConfig", {}))
    check_network(request)
    for name in ("HyperParameters", "Environment"):
        check_text_size(name, request.get(name, {}))
    check_variables("Environment", request.get("Environment", {}))
    decode_values(request.get("HyperParameters", {}))
    stop_timeout_s(request.get("Environment", {}))
    refuse(
        request,
        "ServerlessJobConfig",
        "AWS's serverless customization runs on its own models; give AlgorithmSpecification",
    )
    refuse(request, "ModelPackageConfig", "there is no model registry here")
    refuse(request, "MlflowConfig", "there is no MLflow server here")
    refuse(request, "SessionChainingConfig", "there are no roles to chain here")


def training_instances(request: Request) -> InstanceRequest:
    """Returns the requested machines; instance groups of one type count together. Raises Invalid."""
    config = request.get("ResourceConfig", {})
    refuse(config, "TrainingPlanArn", "there is no reserved capacity here")
    refuse(config, "InstancePreferences", "give one InstanceType")
    groups = config.get("InstanceGroups", ())
    if groups and ("InstanceType" in config or "InstanceCount" in config):
        raise Invalid("ResourceConfig has InstanceGroups and InstanceType or InstanceCount: give one or the other")
    if groups:
        return _instances_of_groups(groups)
    if "InstanceType" not in config or "InstanceCount" not in config:
        raise Invalid("ResourceConfig has no InstanceType and InstanceCount: give both, or InstanceGroups")
    return InstanceRequest(config["InstanceType"], config["InstanceCount"])


def training_uris(request: Request) -> list[tuple[str, str]]:
    """Returns (place in the request, URI) of everything that the job reads and writes."""
    uris = [
        (f"InputDataConfig.{channel['ChannelName']}.S3Uri", channel["DataSource"]["S3DataSource"]["S3Uri"])
        for channel in request.get("InputDataConfig", ())
    ]
    uris.append(("OutputDataConfig.S3OutputPath", request["OutputDataConfig"]["S3OutputPath"]))
    if "CheckpointConfig" in request:
        uris.append(("CheckpointConfig.S3Uri", request["CheckpointConfig"]["S3Uri"]))
    return uris


def _instances_of_groups(groups: list[dict[str, Any]]) -> InstanceRequest:
    check_distinct([group["InstanceGroupName"] for group in groups], at="ResourceConfig.InstanceGroups")
    for group in groups:
        check_count(
            group["InstanceCount"], at=f"ResourceConfig.InstanceGroups.{group['InstanceGroupName']}.InstanceCount"
        )
    types = {group["InstanceType"] for group in groups}
    if len(types) > 1:
        raise Invalid(
            f"ResourceConfig.InstanceGroups asks for {', '.join(sorted(types))}: groups of different types are not served"
        )
    return InstanceRequest(types.pop(), sum(group["InstanceCount"] for group in groups))


def _check_algorithm(algorithm: Request) -> None:
    refuse(algorithm, "AlgorithmName", "AWS's algorithm resources are not here; give TrainingImage")
    if not algorithm.get("TrainingImage"):
        raise Invalid(
            "AlgorithmSpecification.TrainingImage is missing: give naiad/trainer or an image name for script mode"
        )
    if algorithm.get("TrainingInputMode") == "Pipe":
        raise Invalid(f"AlgorithmSpecification.TrainingInputMode: {_PIPE}")
    for definition in algorithm.get("MetricDefinitions", ()):
        _check_regex(definition["Name"], definition["Regex"])


def _check_regex(name: str, text: str) -> None:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise Invalid(f"the Regex of the metric {name!r} is not a regular expression: {error}") from error


def _check_channels(channels: list[dict[str, Any]]) -> None:
    check_distinct([channel["ChannelName"] for channel in channels], at="InputDataConfig")
    for channel in channels:
        _check_channel(channel, at=f"InputDataConfig.{channel['ChannelName']}")


def _check_channel(channel: dict[str, Any], *, at: str) -> None:
    if channel["ChannelName"] in {".", ".."}:
        raise Invalid(f"{at}: a channel is a folder below /opt/ml/input/data; give it another name")
    source = channel["DataSource"]
    refuse(source, "FileSystemDataSource", f"{at}: there is no EFS or FSx here; give S3DataSource")
    refuse(source, "DatasetSource", f"{at}: there are no dataset resources here; give S3DataSource")
    if "S3DataSource" not in source:
        raise Invalid(f"{at}.DataSource has no S3DataSource")
    if channel.get("InputMode") == "Pipe":
        raise Invalid(f"{at}.InputMode: {_PIPE}")
    if source["S3DataSource"]["S3DataType"] not in {"S3Prefix", "ManifestFile"}:
        raise Invalid(
            f"{at}.S3DataType is {source['S3DataSource']['S3DataType']}; S3Prefix and ManifestFile are served"
        )
    if channel.get("CompressionType", "None") != "None" or channel.get("RecordWrapperType", "None") != "None":
        raise Invalid(f"{at}: CompressionType and RecordWrapperType belong to Pipe mode; leave them out")


def _check_groups_of_channels(request: Request) -> None:
    groups = [group["InstanceGroupName"] for group in request.get("ResourceConfig", {}).get("InstanceGroups", ())]
    for channel in request.get("InputDataConfig", ()):
        for name in channel["DataSource"]["S3DataSource"].get("InstanceGroupNames", ()):
            if name not in groups:
                raise Invalid(
                    f"InputDataConfig.{channel['ChannelName']}: InstanceGroupNames has {name!r}, and the groups of "
                    f"ResourceConfig are {groups or 'none'}"
                )


def _check_times(request: Request) -> None:
    condition = request.get("StoppingCondition", {})
    wait_s, run_s = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxRuntimeInSeconds")
    spot = request.get("EnableManagedSpotTraining", False)
    if spot and wait_s is None:
        raise Invalid("EnableManagedSpotTraining needs StoppingCondition.MaxWaitTimeInSeconds")
    if not spot and wait_s is not None:
        raise Invalid("MaxWaitTimeInSeconds is only for EnableManagedSpotTraining; leave it out")
    if wait_s is not None and wait_s < (run_s or 0):
        raise Invalid(f"MaxWaitTimeInSeconds {wait_s} is less than MaxRuntimeInSeconds {run_s}; it includes the run")


def _check_checkpoints(config: Request) -> None:
    path = config.get("LocalPath")
    if path is None:
        return
    check_local_path(path, at="CheckpointConfig.LocalPath", below=_ML)
    if path.rstrip("/") == _ML or f"{path.rstrip('/')}/".startswith(
        tuple(f"{folder}/" for folder in _RESERVED_FOLDERS)
    ):
        raise Invalid(
            f"CheckpointConfig.LocalPath is {path!r}, which is used for something else; take /opt/ml/checkpoints"
        )
