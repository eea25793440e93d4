"""An endpoint's log streams: <state>/endpoints/<endpoint>/logs/<variant>/<replica>/log.

What was measured at deployment is in the stream <variant>/deployment.
"""

import contextlib
import shutil
from pathlib import Path

from naiad.service.contract.log_stream import LogStream
from naiad.service.executors.instance_files import LOG_FILE

_MOST_STREAMS = 200
"""Of a variant; those of replicas that ended long ago go."""


def logs_folder(state_folder: Path, endpoint: str) -> Path:
    return state_folder / "endpoints" / endpoint / "logs"


def streams_of_endpoint(state_folder: Path, endpoint: str) -> list[LogStream]:
    """By name."""
    files = logs_folder(state_folder, endpoint).glob(f"*/*/{LOG_FILE}")
    streams = [
        LogStream(f"{file.parents[1].name}/{file.parent.name}", file.parent.stat().st_ctime_ns // 1_000_000, (file,))
        for file in files
    ]
    return sorted(streams, key=lambda stream: stream.name)


def prune(folder: Path) -> None:
    """``folder``: of a variant's streams."""
    with contextlib.suppress(OSError):
        streams = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in streams[: max(0, len(streams) - _MOST_STREAMS)]:
            shutil.rmtree(old, ignore_errors=True)
