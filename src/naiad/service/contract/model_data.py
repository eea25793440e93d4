"""Fetches the files of a model that a container definition names: model.tar.gz, or the objects below a prefix."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.archive import extract_tar
from naiad.service.contract.channels import path_below
from naiad.service.contract.prefix_objects import has_objects, named_objects
from naiad.service.contract.s3_uri import S3Uri, is_s3_uri, parse_s3_uri
from naiad.service.domain.errors import Invalid, NotFound

_SOURCE_VARIABLE = "SAGEMAKER_SUBMIT_DIRECTORY"
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
    if is_s3_uri(code):
        (target / "code").mkdir(exist_ok=True)
        _fetch_archive(blobs, parse_s3_uri(code, at=_SOURCE_VARIABLE), target / "code")


def check_model_data(blobs: BlobStore, container: Mapping[str, Any]) -> None:
    """Raises Invalid, in AWS's words, where nothing is at the address of the model's data."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if not source and not container.get("ModelDataUrl"):
        return
    uri = parse_s3_uri(source["S3Uri"] if source else container["ModelDataUrl"], at="the model's data")
    if not has_objects(blobs, uri, is_prefix=bool(source) and source["S3DataType"] == "S3Prefix"):
        raise Invalid(f"Could not find model data at {uri}; store it there first")


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
    named = named_objects(blobs, uri)
    if not named:
        raise Invalid(f"there is no object below {uri}")
    for info, name in named:
        _fetch_file(blobs, S3Uri(uri.bucket, info.key), path_below(target, name))


def _fetch_file(blobs: BlobStore, uri: S3Uri, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for block in _read(blobs, uri):
            file.write(block)


def _read(blobs: BlobStore, uri: S3Uri) -> Iterator[bytes]:
    try:
        return blobs.read(uri.bucket, uri.key)[1]
    except NotFound as error:
        raise Invalid(f"the model's data {uri} is not there: {error}") from error
