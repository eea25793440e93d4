"""Which program an instance runs: the user's script, Naiad's trainer, or an entry point of the request's own."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import Blobs
from naiad.service.contract import packages
from naiad.service.contract.archive import extract_tar
from naiad.service.contract.requests import NOTHING_TO_RUN, is_trainer_image
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.contract import decoded, user_arguments, user_hyperparameters
from naiad.service.jobs.agent.distribution import start_of

_TRANSFORM = "naiad.service.endpoints.transform"


@dataclass(frozen=True)
class Command:
    words: tuple[str, ...]
    environment: Mapping[str, str]
    """What the program needs besides the contract's variables."""


def is_trainer(spec: InstanceSpec) -> bool:
    return is_trainer_image(spec.request.get("AlgorithmSpecification", {}).get("TrainingImage", ""))


def command_of(spec: InstanceSpec, blobs: Blobs, *, ml: Path, root: Path) -> Command:
    """Fetches the source where the request names one. Raises Invalid when there is nothing to run."""
    if spec.instance.kind is JobKind.PROCESSING:
        return _entry_point(spec.request["AppSpecification"], ml, root)
    if spec.instance.kind is JobKind.TRANSFORM:
        return _transform(spec, ml, root)
    algorithm = spec.request["AlgorithmSpecification"]
    if algorithm.get("ContainerEntrypoint"):
        return _entry_point(algorithm, ml, root)
    if is_trainer(spec):
        return Command((sys.executable, "-m", "naiad.trainer.job"), {})
    return _script(spec, blobs, ml, root)


def _transform(spec: InstanceSpec, ml: Path, root: Path) -> Command:
    """With what the model's code asks for."""
    words = ("python", "-m", _TRANSFORM)
    requirements = "model/code/requirements.txt"
    if (ml / requirements).is_file():
        return Command(*packages.installing(root / requirements, words, spec.request.get("Environment", {})))
    return Command(words, {})


def _entry_point(asked: Mapping[str, Any], ml: Path, root: Path) -> Command:
    words = (*asked.get("ContainerEntrypoint", ()), *asked.get("ContainerArguments", ()))
    if not words:
        raise Invalid("there is nothing to run: give ContainerEntrypoint")
    first = words[0]
    if first.startswith("/opt/ml/"):
        if ".." in Path(first).parts:
            raise Invalid(f"ContainerEntrypoint {first!r} leads out of /opt/ml: give it without '..'")
        program = ml / first.removeprefix("/opt/ml/")
        if not program.is_file():
            raise Invalid(f"{first} is not there; channels lie below /opt/ml/input/data")
        program.chmod(program.stat().st_mode | 0o111)
        first = str(root / first.removeprefix("/opt/ml/"))
    return Command((first, *words[1:]), {})


def _script(spec: InstanceSpec, blobs: Blobs, ml: Path, root: Path) -> Command:
    """Script mode, as the training toolkit has it: the script is started with ``--name value`` for each hyperparameter."""
    given = decoded(spec.request.get("HyperParameters", {}))
    program, place = given.get("sagemaker_program"), given.get("sagemaker_submit_directory")
    if not program:
        raise Invalid(NOTHING_TO_RUN)
    if not isinstance(program, str) or not isinstance(place, str | None):
        raise Invalid(f"sagemaker_program {program!r} and sagemaker_submit_directory {place!r} must be texts")
    if place is None and not (ml / "code" / program).is_file():
        raise Invalid(
            "the hyperparameter sagemaker_submit_directory is missing: give the s3:// place of the archive that holds "
            f"{program!r}, or the folder of a channel"
        )
    _fetch_source(place, blobs, ml)
    if ".." in Path(program).parts or not (ml / "code" / program).is_file():
        raise Invalid(f"the source has no file {program!r}, which sagemaker_program names")
    code = root / "code"
    words = (*start_of(program, spec, root), str(code / program), *user_arguments(user_hyperparameters(spec)))
    environment = {
        "PYTHONPATH": f"{code}:{packages.variables(root)['PYTHONPATH']}",
        "SM_MODULE_NAME": Path(program).stem,
        "SM_MODULE_DIR": str(code),
        "SM_USER_ENTRY_POINT": program,
    }
    if (ml / "code" / "requirements.txt").is_file():
        words, lent = packages.installing(code / "requirements.txt", words, spec.request.get("Environment", {}))
        environment |= lent
    return Command(words, environment)


def _fetch_source(place: str | None, blobs: Blobs, ml: Path) -> None:
    """Raises Invalid, NotFound. A place under /opt/ml is a channel that holds the source."""
    if place is None:
        return
    if place.startswith("/opt/ml/"):
        source = ml / place.removeprefix("/opt/ml/")
        if ".." in Path(place).parts or not source.is_dir():
            raise Invalid(f"sagemaker_submit_directory {place!r} is no folder of a channel")
        for path in source.rglob("*"):
            target = ml / "code" / path.relative_to(source)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        return
    uri = parse_s3_uri(place, at="sagemaker_submit_directory")
    archive = ml / "sourcedir.tar.gz"
    _, content = blobs.read(uri.bucket, uri.key)
    with archive.open("wb") as file:
        for block in content:
            file.write(block)
    with archive.open("rb") as file:
        extract_tar(file, ml / "code")
    archive.unlink()
