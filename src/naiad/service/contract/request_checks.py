"""Checks of a Create… request beyond AWS's published model: those that several kinds of jobs share. Each kind has its own file.

A request is refused when something in it cannot be served and leaving it out would change the result or the user's safety. What
only concerns AWS's own machinery (volumes, KMS keys, roles, debugger hooks, warm pools) is accepted and ignored.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid

Request = Mapping[str, Any]

TRAINER_IMAGE = "naiad/trainer"
NOTHING_TO_RUN = (
    "there is nothing to run: give the hyperparameters sagemaker_program and sagemaker_submit_directory, a "
    f"ContainerEntrypoint, a channel with a program called train, or the image {TRAINER_IMAGE}"
)
_MAX_TEXT_BYTES = 100 * 1024
"""Linux limits a variable to 128 KiB, and the SDK's contract puts all hyperparameters into one."""


@dataclass(frozen=True)
class InstanceRequest:
    """The machines that a request asks for."""

    instance_type: str
    instances: int

    def __post_init__(self) -> None:
        """Raises Invalid: AWS's model allows 0 instances."""
        check_count(self.instances, at="InstanceCount")


def is_trainer_image(image: str) -> bool:
    """Whether an image, with any registry and any tag, is the one that stands for Naiad's trainer."""
    registry, _, name = f"/{image}".rpartition("/")
    return f"{registry}/{name.partition(':')[0]}".endswith(f"/{TRAINER_IMAGE}")


def refuse(request: Request, key: str, reason: str) -> None:
    """Raises Invalid when the request has a value under ``key``."""
    if request.get(key):
        raise Invalid(f"{key} is not served: {reason}")


def check_network(config: Request) -> None:
    refuse(config, "VpcConfig", "jobs run on this machine, in its own network")


def check_count(instances: int, *, at: str) -> None:
    if instances < 1:
        raise Invalid(f"{at} is {instances}; it must be at least 1")


def check_text_size(name: str, values: Mapping[str, str]) -> None:
    size_bytes = sum(len(f"{key}{value}".encode(errors="surrogatepass")) + 8 for key, value in values.items())
    if size_bytes > _MAX_TEXT_BYTES:
        raise Invalid(
            f"{name} has {size_bytes:,} bytes in all, more than {_MAX_TEXT_BYTES:,}; put large values into a channel"
        )


def check_variables(name: str, values: Mapping[str, str]) -> None:
    """Raises Invalid for names and values that cannot be environment variables."""
    for key, value in values.items():
        check_program_text(f"{key}{value}".replace("\0", ""), at=f"{name}'s {key!r}")
        if "\0" in key + value or "=" in key:
            raise Invalid(f"{name} has {key!r}, which cannot be a variable: leave out '=' in names and NUL characters")


def check_program_text(text: str, *, at: str) -> None:
    """Raises Invalid for a text that can be neither an argument nor an environment variable of a program."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise Invalid(f"{at} cannot be written in UTF-8: {error.reason}") from error
    if "\0" in text:
        raise Invalid(f"{at} has a NUL character, which no program can be given")


def check_local_path(path: str, *, at: str, below: str) -> None:
    pure = PurePosixPath(path)
    if ".." in pure.parts or "\0" in path or not pure.is_relative_to(below):
        raise Invalid(f"{at} is {path!r}: it must be a folder in {below}, without '..'")


def check_distinct(names: list[str], *, at: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Invalid(f"{at} has the name {repeated[0]!r} twice; names must differ")


def check_buckets(uris: list[tuple[str, str]], has_bucket: Callable[[str], bool]) -> None:
    """Raises Invalid for a bucket that does not exist. ``uris`` are (place in the request, URI)."""
    place_of_bucket = {parse_s3_uri(uri, at=place).bucket: place for place, uri in reversed(uris)}
    for bucket, place in place_of_bucket.items():
        if not has_bucket(bucket):
            raise Invalid(f"{place} names the bucket {bucket!r}, which does not exist; create it first")
