"""Decides which program an instance runs: the user's script, a program of Naiad's own, or the entry point of the request."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract import virtual_environment
from naiad.service.contract.archive import extract_tar
from naiad.service.contract.request_checks import NOTHING_TO_RUN, is_trainer_image
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.distribution import launcher_words
from naiad.service.jobs.agent.hyperparameters import command_line_arguments, decode_values, user_hyperparameters


@dataclass(frozen=True)
class NaiadPrograms:
    """The modules of Naiad's own programs, which the agent's process passes in: this room knows none of them."""

    trainer: str
    transform: str


@dataclass(frozen=True)
class ProgramCommand:
    words: tuple[str, ...]
    environment: Mapping[str, str]
    """Variables that the program needs besides those of the container contract."""


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
        return ProgramCommand((sys.executable, "-m", programs.trainer), {})
    return _script(spec, blobs, ml, root)


def _transform(spec: InstanceSpec, module: str, ml: Path, root: Path) -> ProgramCommand:
    """Returns the command of a transform job, which first installs the requirements of the model's code."""
    words = ("python", "-m", module)
    requirements = "model/code/requirements.txt"
    if (ml / requirements).is_file():
        return ProgramCommand(
            *virtual_environment.install_command(root / requirements, words, spec.request.get("Environment", {}))
        )
    return ProgramCommand(words, {})


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
    return ProgramCommand((first, *words[1:]), {})


def _script(spec: InstanceSpec, blobs: BlobStore, ml: Path, root: Path) -> ProgramCommand:
    """Returns the command of script mode: like SageMaker's training toolkit, with ``--name value`` for each hyperparameter."""
    values = decode_values(spec.request.get("HyperParameters", {}))
    program, source = values.get("sagemaker_program"), values.get("sagemaker_submit_directory")
    if not program:
        raise Invalid(NOTHING_TO_RUN)
    if not isinstance(program, str) or not isinstance(source, str | None):
        raise Invalid(f"sagemaker_program {program!r} and sagemaker_submit_directory {source!r} must be texts")
    if source is None and not (ml / "code" / program).is_file():
        raise Invalid(
            "the hyperparameter sagemaker_submit_directory is missing: give the s3:// URI of the archive that holds "
            f"{program!r}, or the folder of a channel"
        )
    _fetch_source(source, blobs, ml)
    if ".." in Path(program).parts or not (ml / "code" / program).is_file():
        raise Invalid(f"the source has no file {program!r}, which sagemaker_program names")
    code = root / "code"
    arguments = command_line_arguments(user_hyperparameters(spec))
    words = (*launcher_words(program, spec, root), str(code / program), *arguments)
    environment = {
        "PYTHONPATH": f"{code}:{virtual_environment.environment_variables(root)['PYTHONPATH']}",
        "SM_MODULE_NAME": Path(program).stem,
        "SM_MODULE_DIR": str(code),
        "SM_USER_ENTRY_POINT": program,
    }
    if (ml / "code" / "requirements.txt").is_file():
        words, pip_variables = virtual_environment.install_command(
            code / "requirements.txt", words, spec.request.get("Environment", {})
        )
        environment |= pip_variables
    return ProgramCommand(words, environment)


def _fetch_source(source: str | None, blobs: BlobStore, ml: Path) -> None:
    """Puts the source into the folder ``code``: from a channel when its path is below /opt/ml, otherwise from an archive in S3.

    Raises Invalid, NotFound.
    """
    if source is None:
        return
    if source.startswith("/opt/ml/"):
        folder = ml / source.removeprefix("/opt/ml/")
        if ".." in Path(source).parts or not folder.is_dir():
            raise Invalid(f"sagemaker_submit_directory {source!r} is not the folder of a channel")
        _copy_files(folder, ml / "code")
        return
    uri = parse_s3_uri(source, at="sagemaker_submit_directory")
    archive = ml / "sourcedir.tar.gz"
    _, content = blobs.read(uri.bucket, uri.key)
    with archive.open("wb") as file:
        for block in content:
            file.write(block)
    with archive.open("rb") as file:
        extract_tar(file, ml / "code")
    archive.unlink()


def _copy_files(folder: Path, target_folder: Path) -> None:
    for path in folder.rglob("*"):
        target = target_folder / path.relative_to(folder)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
