"""Writes the folders and the files under /opt/ml that SageMaker's container contract promises to a program."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from naiad.service.contract import virtual_environment
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec


def write_config_files(spec: InstanceSpec, ml: Path) -> None:
    virtual_environment.create_virtual_environment(ml)
    if spec.instance.kind is JobKind.PROCESSING:
        _write_json(ml / "config" / "processingjobconfig.json", {**spec.request, "ProcessingJobArn": spec.arn})
        _write_json(ml / "config" / "resourceconfig.json", resource_config(spec))
        _make_folders(ml, "code", "output")
    elif spec.instance.kind is JobKind.TRANSFORM:
        _write_json(ml / "config" / "transformjobconfig.json", spec.request)
        _make_folders(ml, "code", "output", "transform/input", "transform/output")
    else:
        config = ml / "input" / "config"
        _write_json(config / "hyperparameters.json", dict(spec.request.get("HyperParameters", {})))
        _write_json(config / "inputdataconfig.json", input_data_config(spec))
        _write_json(config / "resourceconfig.json", resource_config(spec))
        _make_folders(ml, "model", "code", "output/data", "checkpoints", "input/data", "output/intermediate")


def resource_config(spec: InstanceSpec) -> dict[str, Any]:
    """Returns the content of resourceconfig.json. Groups of instances have their hosts in the order of the request."""
    groups = instance_groups(spec)
    current = next(group for group in groups if spec.instance.host in group["hosts"])
    return {
        "current_host": spec.instance.host,
        "current_instance_type": current["instance_type"],
        "current_group_name": current["instance_group_name"],
        "hosts": list(spec.hosts),
        "instance_groups": groups,
        "network_interface_name": "lo",
    }


def instance_groups(spec: InstanceSpec) -> list[dict[str, Any]]:
    """Returns the groups of the request with their hosts; without groups, one of all hosts with AWS's name for it."""
    config = spec.request.get("ResourceConfig") or spec.request.get("ProcessingResources", {}).get("ClusterConfig", {})
    groups: list[dict[str, Any]] = []
    for group in config.get("InstanceGroups", ()):
        first = sum(len(earlier["hosts"]) for earlier in groups)
        hosts = list(spec.hosts[first : first + group["InstanceCount"]])
        groups.append(_group(group["InstanceGroupName"], group["InstanceType"], hosts))
    return groups or [_group("homogeneousCluster", config.get("InstanceType", "local"), list(spec.hosts))]


def channels_of(spec: InstanceSpec) -> list[dict[str, Any]]:
    """Returns the channels of this instance: those that are for all groups of instances, or for its own."""
    return [
        channel
        for channel in spec.request.get("InputDataConfig", ())
        if spec.instance.host in channel_hosts(spec, channel)
    ]


def channel_hosts(spec: InstanceSpec, channel: Mapping[str, Any]) -> list[str]:
    """Returns the hosts that get a channel, of which each has its part of a sharded one."""
    names = channel.get("DataSource", {}).get("S3DataSource", {}).get("InstanceGroupNames")
    groups = [group for group in instance_groups(spec) if not names or group["instance_group_name"] in names]
    return [host for group in groups for host in group["hosts"]]


def _group(name: str, instance_type: str, hosts: list[str]) -> dict[str, Any]:
    return {"instance_group_name": name, "instance_type": instance_type, "hosts": hosts}


def input_data_config(spec: InstanceSpec) -> dict[str, Any]:
    """Returns the content of inputdataconfig.json: the settings of each channel."""
    channels = {}
    for channel in channels_of(spec):
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        channels[channel["ChannelName"]] = {
            "TrainingInputMode": "File",
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
    return channels


def _make_folders(ml: Path, *names: str) -> None:
    for name in names:
        (ml / name).mkdir(parents=True, exist_ok=True)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, default=str), encoding="utf-8")
