"""The request to start a program: what runs, and behind which walls. It travels as JSON, to a standby or to a new process."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from naiad.service.walls.file_view import Bind, FileView
from naiad.service.walls.network import OwnNetwork

_LENGTH_BYTES = 8


@dataclass(frozen=True)
class Walls:
    """The walls around a program."""

    view: FileView | None
    """The files that it sees; None where namespaces are refused, so that it sees the host's."""
    base: str = ""
    """An empty folder of the instance, on which its root is built."""
    host: str = ""
    """Its host name."""
    user_id: int | None = None
    """The user of a program whose server is root; None keeps the server's user."""
    shm_bytes: int = 0
    """The size of /dev/shm; 0 is half of the machine's memory."""
    max_tasks: int = 0
    """The most processes and threads that it may have; 0 without a limit."""
    control_group: tuple[str, ...] = ()
    """The folders of the control group that it joins; () for none."""
    network: OwnNetwork | None = None
    """Its own network; None shares the host's."""


@dataclass(frozen=True)
class LaunchRequest:
    """A program and its walls."""

    words: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: str
    """Its folder, as it sees it."""
    walls: Walls
    cpus: tuple[int, ...] = ()
    """Ids of the cores that it is pinned to; () for all."""

    def to_bytes(self) -> bytes:
        text = json.dumps(asdict(self)).encode()
        return len(text).to_bytes(_LENGTH_BYTES) + text


def read_launch_request(file: BinaryIO) -> LaunchRequest | None:
    """Waits for a request. Returns None when the file ends without one."""
    length = file.read(_LENGTH_BYTES)
    text = file.read(int.from_bytes(length)) if len(length) == _LENGTH_BYTES else b""
    if not text:
        return None
    values = json.loads(text)
    walls = values.pop("walls")
    view, network = walls.pop("view"), walls.pop("network")
    return LaunchRequest(
        words=tuple(values.pop("words")),
        cpus=tuple(values.pop("cpus")),
        walls=Walls(
            view=view and _read_view(view),
            network=network and _read_network(network),
            **{**walls, "control_group": tuple(walls["control_group"])},
        ),
        **values,
    )


def _read_view(values: Mapping[str, list[list[str]]]) -> FileView:
    binds = tuple(Bind(**bind) for bind in values["binds"])  # type: ignore[arg-type]  # reason: JSON
    links = tuple((path, target) for path, target in values["links"])
    files = tuple((path, text) for path, text in values["files"])
    return FileView(binds, links, files, tuple(map(str, values["hidden"])))


def _read_network(values: Mapping[str, Any]) -> OwnNetwork:
    tuples = {name: tuple(values[name]) for name in ("namespaces", "name_servers")}
    return OwnNetwork(**{**values, **tuples})
