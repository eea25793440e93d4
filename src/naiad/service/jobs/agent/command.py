"""Decides which program an instance runs: the user's script, a program of Naiad's own, or the entry point of the request."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract import virtual_environment
from naiad.service.contract.request_checks import is_trainer_image
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.programs import InstallCommand, NaiadPrograms, ProgramCommand
from naiad.service.jobs.agent.script_mode import script_command
from naiad.service.jobs.own_program import NAMES, ON_MACHINE
from naiad.service.jobs.script_request import names_script


def is_trainer_job(spec: InstanceSpec) -> bool:
    return is_trainer_image(spec.request.get("AlgorithmSpecification", {}).get("TrainingImage", ""))


def program_command(
    spec: InstanceSpec, blobs: BlobStore, programs: NaiadPrograms, *, ml: Path, root: Path
) -> ProgramCommand:
    """Returns the command of the program, and fetches its source where the request names one.

    ``ml`` is the contract's folder, and ``root`` the path under which the program sees it. Raises Invalid when there is nothing
    to run.
    """
    if spec.instance.kind is JobKind.PROCESSING:
        return _entry_point(spec.request["AppSpecification"], ml, root)
    if spec.instance.kind is JobKind.TRANSFORM:
        return _transform(spec, programs.transform, ml, root)
    algorithm = spec.request["AlgorithmSpecification"]
    if algorithm.get("ContainerEntrypoint"):
        return _entry_point(algorithm, ml, root)
    if is_trainer_job(spec):
        return ProgramCommand((sys.executable, "-m", programs.trainer))
    if not names_script(spec.request) and (own := _own_program(spec, ml, root)):
        return own
    return script_command(spec, blobs, ml=ml, root=root)


def _own_program(spec: InstanceSpec, ml: Path, root: Path) -> ProgramCommand | None:
    """Returns the program ``train`` of the first channel that has one, or that of this machine."""
    channels = [f"input/data/{channel['ChannelName']}" for channel in spec.request.get("InputDataConfig", ())]
    for name in (f"{channel}/{name}" for channel in channels for name in NAMES):
        if (ml / name).is_file():
            (ml / name).chmod(0o777)
            return ProgramCommand((str(root / name),))
    return ProgramCommand((str(ON_MACHINE),)) if ON_MACHINE.is_file() else None


def _transform(spec: InstanceSpec, module: str, ml: Path, root: Path) -> ProgramCommand:
    """Returns the command of a transform job, which first installs the requirements of the model's code."""
    words = ("python", "-m", module)
    requirements = "model/code/requirements.txt"
    if (ml / requirements).is_file():
        install = virtual_environment.install_command(
            ("-r", str(root / requirements)), spec.request.get("Environment", {})
        )
        return ProgramCommand(words, InstallCommand(*install))
    return ProgramCommand(words)


def _entry_point(container: Mapping[str, Any], ml: Path, root: Path) -> ProgramCommand:
    words = (*container.get("ContainerEntrypoint", ()), *container.get("ContainerArguments", ()))
    if not words:
        raise Invalid("there is nothing to run: give ContainerEntrypoint")
    first = words[0]
    if first.startswith("/opt/ml/"):
        if ".." in Path(first).parts:
            raise Invalid(f"ContainerEntrypoint {first!r} leads out of /opt/ml: give it without '..'")
        program = ml / first.removeprefix("/opt/ml/")
        if not program.is_file():
            raise Invalid(f"{first} does not exist; channels are below /opt/ml/input/data")
        program.chmod(program.stat().st_mode | 0o111)
        first = str(root / first.removeprefix("/opt/ml/"))
    return ProgramCommand((first, *words[1:]))
