"""A network on its way to a job: a name that the trainer knows, or a file of source that goes with the job."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from naiad.errors import NetworkError

if TYPE_CHECKING:
    from torch import nn

_CHOSEN = "auto"
"""What the trainer takes for no name."""


@dataclass(frozen=True)
class SentNetwork:
    word: str | None
    """The trainer's hyperparameter ``net``; None has one chosen."""
    file: str | None = None
    """The name of the source's file in the channel ``code``; None where the word is enough."""
    source: bytes = b""


def sent_network(net: "nn.Module | type[nn.Module] | str | None") -> SentNetwork:
    """Raises NetworkError for what could not be made again from a name or a file."""
    if net is None:
        return SentNetwork(None)
    if isinstance(net, str):
        path, colon, network = net.rpartition(".py:")
        return _of_file(Path(f"{path}.py").expanduser(), network) if colon else _of_name(net)
    return _of_module(net)


def _of_name(name: str) -> SentNetwork:
    if name != _CHOSEN:
        from naiad.trainer.nets.registry import check_name  # noqa: PLC0415  # reason: torch, which other calls do not need

        check_name(name)
    return SentNetwork(name)


def _of_file(file: Path, network: str) -> SentNetwork:
    if not file.is_file():
        raise NetworkError(f"there is no network file {file}", hint="give a path to a file: file.py:Class")
    return SentNetwork(f"{file.name}:{network}", file.name, file.read_bytes())


def _of_module(net: "nn.Module | type[nn.Module]") -> SentNetwork:
    from naiad.trainer.nets.resolve import source_of  # noqa: PLC0415  # reason: torch, which other calls do not need
    from naiad.trainer.nets.source import instance_of  # noqa: PLC0415  # reason: as above

    found = source_of(instance_of(net) if isinstance(net, type) else net)
    if found.registered:
        return SentNetwork(str(found.name))
    if found.source is None:
        raise NetworkError(
            f"{found.name} stands in no file that could be sent", hint="put the class into a file: file.py:Class"
        )
    return SentNetwork(f"network.py:{found.name}", "network.py", found.source.encode())
