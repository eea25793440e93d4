"""Where the processes of a job meet: all jobs of a machine share its network, so each has a port of its own."""

import zlib
from collections.abc import Mapping
from typing import Any

SDK_PORT = 7777
"""What the SageMaker SDK's own scripts tell torchrun in a job of several instances, whatever the job's variables say."""
_SDK_CHANNELS = frozenset({"sm_drivers", "sagemaker_remote_function_bootstrap"})
"""Those that carry its scripts: SDK 3's ModelTrainer, and ``@remote``."""
_FIRST, _COUNT = 10_000, 20_000
"""Below the ports that Linux gives away (32768 and up)."""


def own_port(job_name: str) -> int:
    return _FIRST + zlib.crc32(job_name.encode()) % _COUNT


def fixed_port(request: Mapping[str, Any], instances: int) -> int | None:
    """The port that the job takes for itself whatever it is given; two that take the same one cannot run at once."""
    channels = {channel["ChannelName"] for channel in request.get("InputDataConfig") or ()}
    return SDK_PORT if instances > 1 and channels & _SDK_CHANNELS else None
