"""The source of a script: fetched into the folder ``code`` as SageMaker's training toolkit fetches it."""

import shutil
import tarfile
from pathlib import Path

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.archive import extract_tar
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import Invalid

_ML = "/opt/ml/"


def fetch_source(source: str, blobs: BlobStore, ml: Path) -> None:
    """Puts the source into the folder ``code``.

    ``source`` is an archive in S3, or what a channel brought: a folder, an archive, or the file itself. Raises Invalid, NotFound.
    """
    if not source.startswith(_ML):
        _extract_object(source, blobs, ml)
        return
    path = ml / source.removeprefix(_ML)
    if ".." in Path(source).parts or not path.exists():
        raise Invalid(
            f"sagemaker_submit_directory {source!r} is not there: give the folder or the archive of a channel"
        )
    if path.is_dir():
        _copy_files(path, ml / "code")
    elif tarfile.is_tarfile(path):
        with path.open("rb") as file:
            extract_tar(file, ml / "code")
    else:
        shutil.copyfile(path, ml / "code" / path.name)


def _extract_object(source: str, blobs: BlobStore, ml: Path) -> None:
    uri = parse_s3_uri(source, at="sagemaker_submit_directory")
    archive = ml / "sourcedir.tar.gz"
    _, content = blobs.read(uri.bucket, uri.key)
    with archive.open("wb") as file:
        for block in content:
            file.write(block)
    with archive.open("rb") as file:
        extract_tar(file, ml / "code")
    archive.unlink()


def _copy_files(folder: Path, target_folder: Path) -> None:
    for path in folder.rglob("*"):
        target = target_folder / path.relative_to(folder)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
