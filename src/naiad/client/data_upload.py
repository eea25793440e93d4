"""Data of a job: what is on this disk is uploaded to the server, once."""

import hashlib
import os
from pathlib import Path
from typing import Any

from naiad.errors import DataError

_COMPLETE = ".complete"
"""An empty object that is written after the files, so that half an upload is not taken for the data."""


def is_path_or_uri(source: str | Path) -> bool:
    """Whether the source is an s3:// URI or a path that exists, and not the name of a data set. Raises DataError."""
    if isinstance(source, str) and source.startswith("s3://"):
        return True
    if not isinstance(source, str | Path):
        raise DataError(
            f"data for a job is an s3:// URI, a path or a name, given {type(source).__name__}",
            hint="save it to a file first",
        )
    exists = Path(source).expanduser().exists()
    if not exists and (isinstance(source, Path) or os.sep in source):
        raise DataError(f"{source} does not exist", hint="give a path that exists, an s3:// URI or a name")
    return exists


def upload_data(source: str | Path, store: Any, bucket: str) -> str:
    """Returns the data's s3:// URI; uploads a local path under the digest of its files. Raises DataError for an empty folder."""
    text = str(source)
    if text.startswith("s3://"):
        return text
    root = Path(source).expanduser()
    files = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
    if not files:
        raise DataError(f"{root} is an empty folder", hint="give a folder with files in it")
    base = root if root.is_dir() else root.parent
    prefix = f"data/{_digest(base, files)}/"
    if not store.list_objects_v2(Bucket=bucket, Prefix=prefix + _COMPLETE).get("KeyCount"):
        for path in files:
            store.upload_file(str(path), bucket, prefix + path.relative_to(base).as_posix())
        store.put_object(Bucket=bucket, Key=prefix + _COMPLETE, Body=b"")
    return f"s3://{bucket}/{prefix}"


def _digest(base: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(base).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()[:32]
