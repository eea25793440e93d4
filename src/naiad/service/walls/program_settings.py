"""Settings that a server decides for all of its programs."""

from dataclasses import dataclass
from enum import StrEnum


class ProgramNetwork(StrEnum):
    HOST = "host"  # the machine's, with all of its ports
    INTERNET = "internet"  # one of its own, with the gateway and the internet
    NONE = "none"  # one of its own, with nothing but the gateway


@dataclass(frozen=True)
class ProgramSettings:
    run_as_root: bool = False
    """Whether the programs of a server that is root run as root, too; otherwise they have a user of their own."""
    network: str = ProgramNetwork.INTERNET
    """A ``ProgramNetwork``, where the machine allows it."""


DEFAULT_PROGRAMS = ProgramSettings()
