"""What a Create… request must hold beyond what AWS's model can say. One file a kind; what both share is here.

Nothing that is asked for is passed over in silence where that would change the result or the user's safety: such a
request is refused. What only concerns AWS's own machinery (volumes, KMS keys, roles, debugger hooks, warm pools) is accepted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid

Request = Mapping[str, Any]

PRIORITY_TAG = "naiad:priority"
CORES_TAG = "naiad:cores"
MAX_TAGS = 50
TRAINER_IMAGE = "naiad/trainer"
NOTHING_TO_RUN = (
    "there is nothing to run: give the hyperparameters sagemaker_program and sagemaker_submit_directory, a "
    f"ContainerEntrypoint, or the image {TRAINER_IMAGE}"
)
_MAX_PROGRAM_TEXT_BYTES = 100 * 1024
"""Linux refuses a single variable of 128 KiB, and the SDK's contract puts all hyperparameters into one."""


@dataclass(frozen=True)
class Ask:
    """The machines that a request asks for."""

    instance_type: str
    instances: int

    def __post_init__(self) -> None:
        """Raises Invalid: AWS's model lets 0 pass."""
        check_count(self.instances, at="InstanceCount")


def tags_of(request: Request) -> dict[str, str]:
    """Raises Invalid for a key that is given twice or is AWS's own."""
    tags: dict[str, str] = {}
    for tag in request.get("Tags", ()):
        if tag["Key"] in tags:
            raise Invalid(f"Tags has the key {tag['Key']!r} twice")
        tags[tag["Key"]] = tag["Value"]
    check_tags(tags)
    return tags


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises Invalid. The priority and the cores are read once, when the job is created."""
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved:
        raise Invalid(f"the tag key {reserved[0]!r} begins with aws:, which is reserved")
    if len(tags) > MAX_TAGS:
        raise Invalid(f"{len(tags)} tags are more than the {MAX_TAGS} that a resource may have")
    priority_of(tags)
    cores_of(tags)


def priority_of(tags: Mapping[str, str]) -> int:
    return _number_tag(tags, PRIORITY_TAG, lowest=-1000, highest=1000) or 0


def cores_of(tags: Mapping[str, str]) -> int | None:
    """Cores of each instance instead of the type's; None leaves them."""
    return _number_tag(tags, CORES_TAG, lowest=1, highest=4096)


def is_trainer_image(image: str) -> bool:
    """Whatever registry and tag it is given with."""
    place, _, name = f"/{image}".rpartition("/")
    return f"{place}/{name.partition(':')[0]}".endswith(f"/{TRAINER_IMAGE}")


def refuse(request: Request, key: str, reason: str) -> None:
    if request.get(key):
        raise Invalid(f"{key} is not served: {reason}")


def check_network(config: Request) -> None:
    refuse(config, "VpcConfig", "jobs run on this machine, in its own network")
    refuse(config, "EnableNetworkIsolation", "a job here cannot be cut off from the network; leave it out")


def check_count(instances: int, *, at: str) -> None:
    if instances < 1:
        raise Invalid(f"{at} is {instances}; it must be at least 1")


def check_text_size(name: str, values: Mapping[str, str]) -> None:
    size_bytes = sum(len(key.encode()) + len(value.encode()) + 8 for key, value in values.items())
    if size_bytes > _MAX_PROGRAM_TEXT_BYTES:
        raise Invalid(
            f"{name} has {size_bytes:,} bytes in all, more than {_MAX_PROGRAM_TEXT_BYTES:,}; put large values into a channel"
        )


def check_no_nul(name: str, values: Mapping[str, str]) -> None:
    for key, value in values.items():
        if "\0" in key + value or "=" in key:
            raise Invalid(f"{name} has {key!r}, which no variable can be: leave out '=' in names and NUL characters")


def check_local_path(path: str, *, at: str, below: str) -> None:
    pure = PurePosixPath(path)
    if ".." in pure.parts or "\0" in path or not pure.is_relative_to(below):
        raise Invalid(f"{at} is {path!r}: it must be a folder in {below}, without '..'")


def check_distinct(names: list[str], *, at: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid(f"{at} has the name {twice[0]!r} twice; names must differ")


def check_buckets(uris: list[tuple[str, str]], has_bucket: Callable[[str], bool]) -> None:
    """``uris`` are (where in the request, URI). Raises Invalid for a bucket that is not there."""
    at_of_bucket = {parse_s3_uri(uri, at=at).bucket: at for at, uri in reversed(uris)}
    for bucket, at in at_of_bucket.items():
        if not has_bucket(bucket):
            raise Invalid(f"{at} names the bucket {bucket!r}, which does not exist; create it first")


def _number_tag(tags: Mapping[str, str], key: str, *, lowest: int, highest: int) -> int | None:
    if key not in tags:
        return None
    try:
        number = int(tags[key])
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:
        raise Invalid(f"the tag {key} is {tags[key]!r}; it must be a whole number from {lowest} to {highest}")
    return number
