"""What a job leaves behind: archives and files, put where the request says."""

import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from naiad.service.blobs.port import Blobs
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.s3_uri import parse_s3_uri

_BLOCK = 2**20


def upload_training(spec: InstanceSpec, blobs: Blobs, ml: Path) -> None:
    """The model (by the first host only) and the output data, as model.tar.gz and output.tar.gz."""
    config = spec.request["OutputDataConfig"]
    uri = parse_s3_uri(config["S3OutputPath"], at="S3OutputPath")
    base = f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
    place = f"{base}{spec.instance.job_name}/output/"
    plain = config.get("CompressionType") == "NONE"
    if spec.instance.index == 0 and has_files(ml / "model"):
        _put(blobs, uri.bucket, place, "model", ml / "model", plain=plain)
    if has_files(ml / "output" / "data"):
        name = "output" if len(spec.hosts) == 1 else f"output-{spec.instance.host}"
        _put(blobs, uri.bucket, place, name, ml / "output" / "data", plain=plain)


def upload_processing(spec: InstanceSpec, blobs: Blobs, ml: Path) -> None:
    for output in spec.request.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        asked: dict[str, Any] = output.get("S3Output", {})
        local = asked.get("LocalPath", "")
        if not local.startswith("/opt/ml/"):
            continue
        uri = parse_s3_uri(asked["S3Uri"], at=f"output {output['OutputName']}")
        prefix = f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
        upload_folder(blobs, uri.bucket, prefix, ml / local.removeprefix("/opt/ml/"))


def upload_folder(blobs: Blobs, bucket: str, prefix: str, folder: Path) -> None:
    for path in files_in(folder):
        with path.open("rb") as file:
            blobs.put(bucket, prefix + path.relative_to(folder).as_posix(), file)


def has_files(folder: Path) -> bool:
    return next(files_in(folder), None) is not None


def files_in(folder: Path) -> Iterator[Path]:
    """Regular files; a link is not followed, since it may lead anywhere."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink():
            yield path


def _put(blobs: Blobs, bucket: str, place: str, name: str, folder: Path, *, plain: bool) -> None:
    if plain:
        upload_folder(blobs, bucket, f"{place}{name}/", folder)
        return
    with tempfile.TemporaryFile(dir=folder.parent) as archive:
        _write_tar(archive, folder)
        archive.seek(0)
        blobs.put(bucket, f"{place}{name}.tar.gz", archive, content_type="application/gzip")


def _write_tar(archive: IO[bytes], folder: Path) -> None:
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
        for path in files_in(folder):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False)
