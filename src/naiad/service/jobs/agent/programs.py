"""The program of an instance as a command, and the modules of Naiad's own programs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class NaiadPrograms:
    """The modules of Naiad's own programs, which the agent's process passes in: this room knows none of them."""

    trainer: str
    transform: str


@dataclass(frozen=True)
class InstallCommand:
    """Installs the packages of a program before it starts."""

    words: tuple[str, ...]
    environment: Mapping[str, str]
    """Variables that it needs besides the program's."""


@dataclass(frozen=True)
class ProgramCommand:
    words: tuple[str, ...]
    install: InstallCommand | None = None
