"""Log streams of an endpoint: <state>/endpoints/<endpoint>/logs/<variant>/<replica>/log.

The stream <variant>/deployment holds what a deployment has measured and installed.
"""

import contextlib
import shutil
from pathlib import Path

from naiad.service.contract.log_stream import LogStream
from naiad.service.executors.instance_files import LOG_FILE

_MAX_STREAMS = 200
"""Limit of a variant; streams of replicas that ended long ago are removed."""


def logs_folder(state_folder: Path, endpoint: str) -> Path:
    return state_folder / "endpoints" / endpoint / "logs"


def list_log_streams(state_folder: Path, endpoint: str) -> list[LogStream]:
    """Returns the streams of all variants, sorted by name."""
    files = logs_folder(state_folder, endpoint).glob(f"*/*/{LOG_FILE}")
    streams = [
        LogStream(f"{file.parents[1].name}/{file.parent.name}", file.parent.stat().st_ctime_ns // 1_000_000, (file,))
        for file in files
    ]
    return sorted(streams, key=lambda stream: stream.name)


def remove_old_log_streams(folder: Path) -> None:
    """Keeps the latest streams. folder: of one variant's streams."""
    with contextlib.suppress(OSError):
        streams = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in streams[: max(0, len(streams) - _MAX_STREAMS)]:
            shutil.rmtree(old, ignore_errors=True)
