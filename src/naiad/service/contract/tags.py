"""The tags of a resource: AWS's rules, and the two tags that Naiad reads itself."""

from collections.abc import Mapping
from typing import Any

from naiad.service.domain.errors import Invalid

PRIORITY_TAG = "naiad:priority"
CORES_TAG = "naiad:cores"
MAX_TAGS = 50


def tags_of(request: Mapping[str, Any]) -> dict[str, str]:
    """Returns the tags of a request. Raises Invalid for a key that is given twice or is AWS's own."""
    tags: dict[str, str] = {}
    for tag in request.get("Tags", ()):
        if tag["Key"] in tags:
            raise Invalid(f"Tags has the key {tag['Key']!r} twice")
        tags[tag["Key"]] = tag["Value"]
    check_tags(tags)
    return tags


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises Invalid. The priority and the cores take effect when the job is created, and not later."""
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved:
        raise Invalid(f"the tag key {reserved[0]!r} begins with aws:, which is reserved")
    if len(tags) > MAX_TAGS:
        raise Invalid(f"{len(tags)} tags are more than the {MAX_TAGS} that a resource may have")
    priority_of(tags)
    cores_of(tags)


def priority_of(tags: Mapping[str, str]) -> int:
    """Returns the priority in the queue; 0 without the tag."""
    return _number(tags, PRIORITY_TAG, low=-1000, high=1000) or 0


def cores_of(tags: Mapping[str, str]) -> int | None:
    """Returns the cores that each instance gets instead of the type's; None without the tag."""
    return _number(tags, CORES_TAG, low=1, high=4096)


def _number(tags: Mapping[str, str], key: str, *, low: int, high: int) -> int | None:
    if key not in tags:
        return None
    try:
        number = int(tags[key])
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise Invalid(f"the tag {key} is {tags[key]!r}; it must be a whole number from {low} to {high}")
    return number
