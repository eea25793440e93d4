"""Files of the container contract, and small files in general."""

import importlib
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from naiad.archive import extract_tar

from . import environment


def write_success_file() -> None:
    (Path(environment.output_dir) / "success").touch()


def write_failure_file(failure_msg: str) -> None:
    """Writes the reason of a failure. The first one stays."""
    file = Path(environment.output_dir) / "failure"
    if not file.exists():
        file.write_text(failure_msg, encoding="utf-8")


def download_and_extract(uri: str, path: str) -> None:
    """Puts a source into the folder ``path`` when that is empty: an archive in S3, a folder, an archive, or one file.

    Raises ArchiveError for an archive with links or special files, or larger than its limits.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return
    if uri.startswith("s3://"):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        archive = folder.parent / "sourcedir.tar.gz"
        importlib.import_module("boto3").client("s3").download_file(bucket, key, str(archive))
        _extract(archive, folder)
        archive.unlink()
    elif Path(uri).is_dir():
        shutil.copytree(uri, folder, dirs_exist_ok=True)
    elif tarfile.is_tarfile(uri):
        _extract(Path(uri), folder)
    else:
        shutil.copy2(uri, folder)


def write_file(path: str, data: str, mode: str = "w") -> None:
    with open(path, mode) as file:  # noqa: PTH123  # reason: the toolkit's mode, of text or of bytes
        file.write(data)


def read_file(path: str, mode: str = "r") -> Any:
    with open(path, mode) as file:  # noqa: PTH123  # reason: the toolkit's mode, of text or of bytes
        return file.read()


def read_json(path: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content


def _extract(archive: Path, folder: Path) -> None:
    with archive.open("rb") as file:
        extract_tar(file, folder)
