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
_MAX_STREAM_BYTES = 2**31
"""Limit of all streams of a variant together, so that replicas that end again and again do not fill the disk."""


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
    """Keeps the latest streams, the very last one in any case. folder: of one variant's streams."""
    with contextlib.suppress(OSError):
        streams = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        total_bytes = 0
        for number, stream in enumerate(streams):
            total_bytes += _size_bytes(stream / LOG_FILE)
            if number >= _MAX_STREAMS or (number and total_bytes > _MAX_STREAM_BYTES):
                shutil.rmtree(stream, ignore_errors=True)


def _size_bytes(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
