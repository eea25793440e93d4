"""A model's files as a container definition names them: model.tar.gz, or the objects below a prefix."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import Blobs
from naiad.service.contract.archive import extract_tar
from naiad.service.contract.channels import below
from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
from naiad.service.domain.errors import Invalid, NotFound

_SOURCE = "SAGEMAKER_SUBMIT_DIRECTORY"
_PAGE = 1_000
_ARTIFACT = "naiad.json"


def fetch_model(blobs: Blobs, container: Mapping[str, Any], target: Path) -> None:
    """Into ``target`` (/opt/ml/model), which is made. A definition without model data leaves it empty.

    A source archive that SAGEMAKER_SUBMIT_DIRECTORY names in S3 comes into ``code``. Raises Invalid, NotFound.
    """
    target.mkdir(parents=True, exist_ok=True)
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source and source.get("CompressionType", "None") == "None":
        _fetch_prefix(blobs, parse_s3_uri(source["S3Uri"], at="ModelDataSource"), target)
    elif source or container.get("ModelDataUrl"):
        uri = source["S3Uri"] if source else container["ModelDataUrl"]
        _fetch_archive(blobs, parse_s3_uri(uri, at="the model's data"), target)
        _lift(target)
    code = container.get("Environment", {}).get(_SOURCE, "")
    if code.startswith("s3://"):
        (target / "code").mkdir(exist_ok=True)
        _fetch_archive(blobs, parse_s3_uri(code, at=_SOURCE), target / "code")


def _fetch_archive(blobs: Blobs, uri: S3Uri, target: Path) -> None:
    with tempfile.TemporaryFile(dir=target.parent) as archive:
        _, content = _read(blobs, uri)
        for part in content:
            archive.write(part)
        archive.seek(0)
        extract_tar(archive, target)


def _lift(target: Path) -> None:
    """An artifact that lies one folder down, alone, as ``tar czf model.tar.gz run`` packs it, comes up."""
    inside = [path for path in target.iterdir() if not path.name.startswith((".", "__MACOSX"))]
    if len(inside) == 1 and not inside[0].is_symlink() and (inside[0] / _ARTIFACT).is_file():
        lifted = inside[0].rename(target.with_name(f"{target.name}.lifted"))
        shutil.rmtree(target)
        lifted.rename(target)


def _fetch_prefix(blobs: Blobs, uri: S3Uri, target: Path) -> None:
    prefix = f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
    after, count = "", 0
    while True:
        page = blobs.list(uri.bucket, prefix=prefix, after=after, limit=_PAGE)
        for info in page.blobs:
            if not info.key.endswith("/"):
                _fetch_file(blobs, S3Uri(uri.bucket, info.key), below(target, info.key.removeprefix(prefix)))
                count += 1
        if page.next_after is None:
            break
        after = page.next_after
    if not count:
        raise Invalid(f"there is no object below s3://{uri.bucket}/{prefix}")


def _fetch_file(blobs: Blobs, uri: S3Uri, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for part in _read(blobs, uri)[1]:
            file.write(part)


def _read(blobs: Blobs, uri: S3Uri) -> Any:
    try:
        return blobs.read(uri.bucket, uri.key)
    except NotFound as error:
        raise Invalid(f"the model's data s3://{uri.bucket}/{uri.key} is not there: {error}") from error
