"""The address at which the processes of a job meet: all jobs share the machine's network, so each job has its own port."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from naiad.service.executors.port import InstanceSpec

SDK_PORT = 7777
"""The port that the SageMaker SDK's own scripts pass to torchrun in a job of several instances, whatever the variables say."""
_SDK_CHANNELS = frozenset({"sm_drivers", "sagemaker_remote_function_bootstrap"})
"""The channels that carry these scripts: of SDK 3's ModelTrainer, and of ``@remote``."""
_FIRST_PORT, _PORTS = 10_000, 20_000
"""A range below the ports that Linux assigns by itself (32768 and up)."""


def job_port(job_name: str) -> int:
    return _FIRST_PORT + zlib.crc32(job_name.encode()) % _PORTS


def fixed_port(request: Mapping[str, Any], instances: int) -> int | None:
    """Returns the port that the job uses whatever it is told. Two jobs with the same one cannot run at once."""
    channels = {channel["ChannelName"] for channel in request.get("InputDataConfig") or ()}
    return SDK_PORT if instances > 1 and channels & _SDK_CHANNELS else None


def rendezvous_address(spec: InstanceSpec, root: Path) -> tuple[str, int]:
    """Returns the address and the port of the first host. Its name is known only in namespaces, where ``root`` is /opt/ml."""
    return spec.hosts[0] if root == Path("/opt/ml") else "127.0.0.1", job_port(spec.instance.job_name)
