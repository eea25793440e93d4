"""Script mode: the command of a user's script, as SageMaker's training toolkit starts it.

The toolkit tells three kinds of scripts apart: a shell script or any other program, a Python package (there is a setup.py), and a
Python file. Each runs in the folder ``code`` and gets ``--name value`` for each hyperparameter.
"""

import shlex
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from naiad.service.blobs.port import BlobStore
from naiad.service.contract import virtual_environment
from naiad.service.contract.training_toolkit import command_line_arguments, user_values
from naiad.service.domain.errors import Invalid
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.distribution import launcher_words
from naiad.service.jobs.agent.hyperparameters import all_hyperparameters
from naiad.service.jobs.agent.programs import InstallCommand, ProgramCommand
from naiad.service.jobs.agent.source_code import fetch_source
from naiad.service.jobs.script_request import script_of


class ScriptKind(Enum):
    PYTHON_FILE = auto()
    PYTHON_PACKAGE = auto()
    PROGRAM = auto()


def script_command(spec: InstanceSpec, blobs: BlobStore, *, ml: Path, root: Path) -> ProgramCommand:
    """Returns the command of the request's script, and fetches its source. Raises Invalid, NotFound."""
    script = script_of(spec.request)
    fetch_source(script.source, blobs, ml)
    if not (ml / "code" / script.program).is_file():
        raise Invalid(f"the source has no file {script.program!r}, which sagemaker_program names")
    kind = script_kind(script.program, ml / "code")
    if kind is ScriptKind.PROGRAM:
        (ml / "code" / script.program).chmod(0o777)
    arguments = command_line_arguments(user_values(all_hyperparameters(spec)))
    launcher = launcher_words(spec, root, is_python_file=kind is ScriptKind.PYTHON_FILE)
    words = _script_words(kind, script.program, arguments, launcher)
    if packages := _packages_to_install(kind, ml / "code"):
        install = virtual_environment.install_command(packages, spec.request.get("Environment", {}))
        return ProgramCommand(words, InstallCommand(*install))
    return ProgramCommand(words)


def script_kind(program: str, code: Path) -> ScriptKind:
    if program.endswith(".sh"):
        return ScriptKind.PROGRAM
    if (code / "setup.py").exists():
        return ScriptKind.PYTHON_PACKAGE
    return ScriptKind.PYTHON_FILE if program.endswith(".py") else ScriptKind.PROGRAM


def _script_words(
    kind: ScriptKind, program: str, arguments: Sequence[str], launcher: tuple[str, ...]
) -> tuple[str, ...]:
    """Returns the whole command. The launcher ends with ``python``, or torchrun's options.

    The toolkit's ``--`` stands only between Python itself and a file. Its shell would die of a SIGTERM before the script has
    reacted to it, so here it becomes the script.
    """
    if kind is ScriptKind.PROGRAM:
        return (
            *launcher[:-1],
            "/bin/sh",
            "-c",
            f"exec ./{shlex.quote(program)} {' '.join(map(shlex.quote, arguments))}",
        )
    if kind is ScriptKind.PYTHON_PACKAGE:
        return (*launcher, "-m", program.removesuffix(".py"), *arguments)
    return (*launcher, *(("--",) if len(launcher) == 1 else ()), program, *arguments)


def _packages_to_install(kind: ScriptKind, code: Path) -> tuple[str, ...]:
    """Returns what pip installs before the script starts. A shell script does this itself."""
    if kind is ScriptKind.PROGRAM:
        return ()
    requirements = ("-r", "requirements.txt") if (code / "requirements.txt").exists() else ()
    return (".", *requirements) if kind is ScriptKind.PYTHON_PACKAGE else requirements
