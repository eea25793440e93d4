"""The sandbox of an instance: ``/opt/ml`` without Docker, behind walls where the machine allows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.file_view import make_file_view, replace_file
from naiad.service.walls.launch_request import LaunchRequest, Walls
from naiad.service.walls.name_servers import RESOLV_CONF
from naiad.service.walls.network import OwnNetwork
from naiad.service.walls.support import find_wall_support


@dataclass(frozen=True)
class SandboxOptions:
    """Options of the walls of an instance, besides its folders."""

    host: str
    hosts: Sequence[str]
    """The names by which the program finds the instances of its job."""
    run_as_root: bool = False
    """Whether programs of a server that is root keep its user."""
    memory_bytes: int = 0
    """The memory that the program is given; 0 without a limit."""
    max_tasks: int = 0
    """The most processes and threads of the program; 0 without a limit."""


@dataclass(frozen=True)
class Sandbox:
    """The way in which a program of an instance is started."""

    ml: Path
    root: Path
    """The path under which the program sees ``ml``: /opt/ml, or ``ml`` itself where namespaces are refused."""
    walls: Walls
    gaps: tuple[str, ...]
    """Lines for the log: what this machine leaves open."""

    @property
    def is_isolated(self) -> bool:
        return self.walls.view is not None

    def request(
        self,
        words: Sequence[str],
        variables: Mapping[str, str],
        *,
        cpus: Sequence[int] = (),
        group: ControlGroup | None = None,
        network: OwnNetwork | None = None,
    ) -> LaunchRequest:
        """Returns the request to start the program ``words`` with ``variables``. It starts in the folder of the code."""
        folders = tuple(map(str, group.folders)) if group is not None else ()
        view = self.walls.view
        if view is not None and network is not None and network.resolv_conf:
            view = replace_file(view, RESOLV_CONF, network.resolv_conf)
        walls = replace(self.walls, view=view, control_group=folders, network=network)
        return LaunchRequest(tuple(words), dict(variables), str(self.root / "code"), walls, tuple(cpus))


def make_sandbox(folder: Path, state: Path, options: SandboxOptions) -> Sandbox:
    """Returns the sandbox of the instance in ``folder``. ``state`` is the server's folder, which it hides."""
    ml, support = folder / "ml", find_wall_support()
    if not support.has_namespaces:
        return Sandbox(ml, ml, Walls(view=None), support.gaps)
    view = make_file_view(ml, folder / "tmp", state, hosts=options.hosts)
    user_id = 0 if support.user_id is not None and options.run_as_root else support.user_id
    walls = Walls(
        view,
        str(folder / "work"),
        options.host,
        user_id,
        shm_bytes=options.memory_bytes // 2,
        max_tasks=options.max_tasks,
    )
    return Sandbox(ml, Path("/opt/ml"), walls, support.gaps)
