"""The program ``train`` of a bring-your-own image: SageMaker runs it when a request names neither an entry point nor a script.

Images are not pulled here, so the program must be in a channel, or where such images have it, on this machine.
"""

from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.prefix_objects import has_object
from naiad.service.contract.request_checks import NOTHING_TO_RUN, Request
from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
from naiad.service.domain.errors import Invalid

NAMES = ("train", "code/train")
"""Its places in a channel."""
ON_MACHINE = Path("/opt/program/train")


def check_own_program(blobs: BlobStore, request: Request) -> None:
    """Raises Invalid when there is no such program, with what to give instead."""
    if not ON_MACHINE.is_file() and not any(_is_in_channel(blobs, each) for each in request.get("InputDataConfig", ())):
        image = request["AlgorithmSpecification"]["TrainingImage"]
        raise Invalid(f"{NOTHING_TO_RUN}. Images are not pulled here, so the program inside {image!r} is not known")


def _is_in_channel(blobs: BlobStore, channel: dict[str, Any]) -> bool:
    source = channel["DataSource"].get("S3DataSource", {})
    if source.get("S3DataType") != "S3Prefix":
        return False
    uri = parse_s3_uri(source["S3Uri"], at=f"InputDataConfig.{channel['ChannelName']}.S3Uri")
    folder = f"{uri.key.rstrip('/')}/" if uri.key else ""
    keys = [folder + name for name in NAMES]
    if uri.key.rpartition("/")[2] == NAMES[0]:
        keys.append(uri.key)
    return any(has_object(blobs, S3Uri(uri.bucket, key)) for key in keys)
