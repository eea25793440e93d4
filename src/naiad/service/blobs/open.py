"""Opens the blob store at an address."""

from pathlib import Path

import boto3
from botocore.config import Config

from naiad.service.blobs.damage_log import DamageLog
from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.port import BlobStore
from naiad.service.blobs.s3 import S3BlobStore
from naiad.service.domain.errors import Invalid


def open_blobs(url: str, damage: DamageLog | None = None) -> BlobStore:
    """``url``: a folder's path, or the http(s) endpoint of an S3 store, whose keys and region come from the usual AWS variables.

    ``damage`` learns of damaged objects of a folder. Raises Invalid for another scheme.
    """
    scheme, separator, _ = url.partition("://")
    if not separator:
        return FolderBlobStore(Path(url), damage=damage)
    if scheme in ("http", "https"):
        config = Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 5})
        return S3BlobStore(boto3.client("s3", endpoint_url=url, config=config))
    raise Invalid(f"blobs at {url!r}: give a folder, or the http(s) address of an S3 store")
