"""The check that the program of a job can start here, before the job is stored. It reads what the request names in S3."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.prefix_objects import has_object
from naiad.service.contract.request_checks import NOTHING_TO_RUN, Request
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.jobs.own_program import check_own_program
from naiad.service.jobs.script_request import NO_MPIRUN, has_mpirun, is_script_mode, names_script, script_of

_CHANNELS, _PROCESSING, _ML = "/opt/ml/input/data/", "/opt/ml/processing/", "/opt/ml/"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MAX_SCRIPT_BYTES = 2**20


def check_program(kind: JobKind, blobs: BlobStore, request: Request) -> None:
    """Raises Invalid for a program that would not start."""
    if kind is JobKind.TRAINING:
        _check_training_program(blobs, request)
    elif kind is JobKind.PROCESSING:
        container = request["AppSpecification"]
        _check_entry_point(container, request.get("Environment", {}))
        if not container.get("ContainerEntrypoint"):
            image = container["ImageUri"]
            raise Invalid(f"{NOTHING_TO_RUN}. Images are not pulled here, so the entry point of {image!r} is not known")
        folders = [each["S3Input"]["LocalPath"] for each in request.get("ProcessingInputs", ()) if "S3Input" in each]
        _check_place(container["ContainerEntrypoint"][0], _PROCESSING, folders, at="an input's LocalPath")


def _check_training_program(blobs: BlobStore, request: Request) -> None:
    algorithm = request["AlgorithmSpecification"]
    _check_entry_point(algorithm, request.get("Environment", {}))
    channels = {channel["ChannelName"]: channel for channel in request.get("InputDataConfig", ())}
    if algorithm.get("ContainerEntrypoint"):
        folders = [f"{_CHANNELS}{name}" for name in channels]
        _check_place(algorithm["ContainerEntrypoint"][0], _ML, folders, at="the folder of a channel")
        if not has_mpirun() and _asks_for_mpi(blobs, algorithm, channels):
            raise Invalid(NO_MPIRUN)
    elif is_script_mode(request):
        if names_script(request):
            _check_source(blobs, script_of(request).source)
        else:
            check_own_program(blobs, request)


def _check_entry_point(container: dict[str, Any], environment: dict[str, str]) -> None:
    """Raises Invalid for arguments without an entry point, and for a program that this machine does not have."""
    words = container.get("ContainerEntrypoint", ())
    if not words:
        if container.get("ContainerArguments"):
            raise Invalid(
                "ContainerArguments needs ContainerEntrypoint here: images, and so their entry points, are not pulled"
            )
        return
    first = words[0]
    if first.startswith(_ML) or (os.sep not in first and "PATH" in environment):
        return
    search_path = f"{Path(sys.executable).parent}:{_SYSTEM_PATH}"
    is_there = (
        os.access(first, os.X_OK) if first.startswith("/") else os.sep in first or shutil.which(first, path=search_path)
    )
    if not is_there:
        raise Invalid(
            f"ContainerEntrypoint {first!r} is no program of this machine, and images are not pulled: give one that is, such as "
            "python3 or sh, or one in a channel"
        )


def _check_place(program: str, below: str, folders: list[str], *, at: str) -> None:
    if ".." in program.split("/"):
        raise Invalid(f"ContainerEntrypoint {program!r} leads out of its folder: give it without '..'")
    if program.startswith(below) and not any(program.startswith(f"{folder.rstrip('/')}/") for folder in folders):
        raise Invalid(
            f"ContainerEntrypoint {program!r} does not exist: it must be below {at}; there is {folders or 'none'}"
        )


def _asks_for_mpi(blobs: BlobStore, algorithm: dict[str, Any], channels: dict[str, dict[str, Any]]) -> bool:
    """Whether the request is that of SDK 3's ``MPI`` or of ``@remote(use_mpirun=True)``."""
    if "sagemaker_remote_function_bootstrap" in channels:
        return "mpirun" in algorithm.get("ContainerArguments", ())
    if "sm_drivers" not in channels:
        return False
    folder = parse_s3_uri(
        channels["sm_drivers"]["DataSource"]["S3DataSource"]["S3Uri"], at="InputDataConfig.sm_drivers.S3Uri"
    )
    try:
        _, content = blobs.read(folder.bucket, f"{folder.key.rstrip('/')}/sm_train.sh", length=_MAX_SCRIPT_BYTES)
        return b"mpi_driver.py" in b"".join(content)
    except NotFound:
        return False


def _check_source(blobs: BlobStore, source: str) -> None:
    if source.startswith("/"):
        return
    if not has_object(blobs, parse_s3_uri(source, at="sagemaker_submit_directory")):
        raise Invalid(f"sagemaker_submit_directory is {source!r}, and there is no such object: upload it first")
