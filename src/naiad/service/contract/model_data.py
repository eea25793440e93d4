"""Fetches the files of a model that a container definition names: model.tar.gz, or the objects below a prefix."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.archive import extract_tar
from naiad.service.contract.channels import path_below
from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
from naiad.service.domain.errors import Invalid, NotFound

_SOURCE_VARIABLE = "SAGEMAKER_SUBMIT_DIRECTORY"
_PAGE_SIZE = 1_000
_MANIFEST = "naiad.json"


def fetch_model(blobs: BlobStore, container: Mapping[str, Any], target: Path) -> None:
    """Makes the folder ``target`` (/opt/ml/model) and fetches the model into it. Without model data it stays empty.

    A source archive in S3 that SAGEMAKER_SUBMIT_DIRECTORY names is extracted into ``code``. Raises Invalid, NotFound.
    """
    target.mkdir(parents=True, exist_ok=True)
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source and source.get("CompressionType", "None") == "None":
        _fetch_prefix(blobs, parse_s3_uri(source["S3Uri"], at="ModelDataSource"), target)
    elif source or container.get("ModelDataUrl"):
        uri = source["S3Uri"] if source else container["ModelDataUrl"]
        _fetch_archive(blobs, parse_s3_uri(uri, at="the model's data"), target)
        _unwrap_artifact(target)
    code = container.get("Environment", {}).get(_SOURCE_VARIABLE, "")
    if code.startswith("s3://"):
        (target / "code").mkdir(exist_ok=True)
        _fetch_archive(blobs, parse_s3_uri(code, at=_SOURCE_VARIABLE), target / "code")


def _fetch_archive(blobs: BlobStore, uri: S3Uri, target: Path) -> None:
    with tempfile.TemporaryFile(dir=target.parent) as archive:
        for block in _read(blobs, uri):
            archive.write(block)
        archive.seek(0)
        extract_tar(archive, target)


def _unwrap_artifact(target: Path) -> None:
    """Moves an artifact up that lies alone in a subfolder, as ``tar czf model.tar.gz run`` packs it."""
    entries = [path for path in target.iterdir() if not path.name.startswith((".", "__MACOSX"))]
    if len(entries) == 1 and not entries[0].is_symlink() and (entries[0] / _MANIFEST).is_file():
        unwrapped = entries[0].rename(target.with_name(f"{target.name}.unwrapped"))
        shutil.rmtree(target)
        unwrapped.rename(target)


def _fetch_prefix(blobs: BlobStore, uri: S3Uri, target: Path) -> None:
    prefix = f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
    after, count = "", 0
    while True:
        page = blobs.list(uri.bucket, prefix=prefix, start_after=after, limit=_PAGE_SIZE)
        for info in page.objects:
            if not info.key.endswith("/"):
                _fetch_file(blobs, S3Uri(uri.bucket, info.key), path_below(target, info.key.removeprefix(prefix)))
                count += 1
        if page.next_start_after is None:
            break
        after = page.next_start_after
    if not count:
        raise Invalid(f"there is no object below s3://{uri.bucket}/{prefix}")


def _fetch_file(blobs: BlobStore, uri: S3Uri, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for block in _read(blobs, uri):
            file.write(block)


def _read(blobs: BlobStore, uri: S3Uri) -> Iterator[bytes]:
    try:
        return blobs.read(uri.bucket, uri.key)[1]
    except NotFound as error:
        raise Invalid(f"the model's data s3://{uri.bucket}/{uri.key} is not there: {error}") from error
