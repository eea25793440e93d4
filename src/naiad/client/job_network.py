"""The network of a job: a name that the trainer knows, or a file of source code that goes with the job."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from naiad.errors import NetworkError
from naiad.trainer.option_text import parse_net

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class JobNetwork:
    hyperparameter: str | None
    """The trainer's hyperparameter ``net``; None has the trainer choose a network."""
    source_file: str | None = None
    """The file's name in the channel ``code``; None where the hyperparameter is enough."""
    source: bytes = b""


def make_job_network(net: "nn.Module | type[nn.Module] | str | None") -> JobNetwork:
    """Raises NetworkError for a network that cannot be made again from a name or a file."""
    if net is None:
        return JobNetwork(None)
    if isinstance(net, str):
        path, separator, network = net.rpartition(".py:")
        return _from_file(Path(f"{path}.py").expanduser(), network) if separator else _from_name(net)
    return _from_module(net)


def _from_name(name: str) -> JobNetwork:
    if parse_net(name) is not None:
        from naiad.trainer.nets.registry import check_network_name  # noqa: PLC0415  # reason: torch, which other calls do not need

        check_network_name(name)
    return JobNetwork(name)


def _from_file(file: Path, network: str) -> JobNetwork:
    if not file.is_file():
        raise NetworkError(f"there is no network file {file}", hint="give a path to a file: file.py:Class")
    return JobNetwork(f"{file.name}:{network}", file.name, file.read_bytes())


def _from_module(net: "nn.Module | type[nn.Module]") -> JobNetwork:
    from naiad.trainer.nets.network_file import instantiate  # noqa: PLC0415  # reason: as above
    from naiad.trainer.nets.resolve import find_network_source  # noqa: PLC0415  # reason: as above

    network = find_network_source(instantiate(net) if isinstance(net, type) else net)
    if network.registered:
        return JobNetwork(str(network.name))
    if network.source is None:
        raise NetworkError(
            f"the class {network.name} is defined in no file that could be sent",
            hint="put the class into a file: file.py:Class",
        )
    return JobNetwork(f"network.py:{network.name}", "network.py", network.source.encode())
