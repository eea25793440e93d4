"""What a job leaves behind: archives and files, put where the request says."""

import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from naiad.service.blobs.port import Blobs
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.program_files import look, opened

_ML = "/opt/ml/"


def upload_training(spec: InstanceSpec, blobs: Blobs, ml: Path) -> list[str]:
    """The model (by the first host only) and the output data, as model.tar.gz and output.tar.gz.

    Returns what was left out, since it is neither a file nor a folder.
    """
    config = spec.request["OutputDataConfig"]
    uri = parse_s3_uri(config["S3OutputPath"], at="S3OutputPath")
    base = f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
    place = f"{base}{spec.instance.job_name}/output/"
    folders = {"output" if len(spec.hosts) == 1 else f"output-{spec.instance.host}": "output/data"}
    if spec.instance.index == 0:
        folders = {"model": "model"} | folders
    put = _put_files if config.get("CompressionType") == "NONE" else _put_archive
    return [other for name, folder in folders.items() for other in put(blobs, uri.bucket, place + name, ml, folder)]


@dataclass(frozen=True)
class ProcessingOutput:
    name: str
    local: str
    """Below /opt/ml."""
    uri: str
    is_continuous: bool
    """Stored while the program runs, and not only at its end."""


def outputs_of(spec: InstanceSpec) -> list[ProcessingOutput]:
    """Those of a processing job that are stored on S3; a transform job has one."""
    if spec.instance.kind is JobKind.TRANSFORM:
        place = spec.request["TransformOutput"]["S3OutputPath"]
        return [ProcessingOutput("TransformOutput", "transform/output", place, is_continuous=False)]
    asked = spec.request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    stored = [(output["OutputName"], output["S3Output"]) for output in asked if "S3Output" in output]
    return [
        ProcessingOutput(
            name, place["LocalPath"].removeprefix(_ML), place["S3Uri"], place["S3UploadMode"] == "Continuous"
        )
        for name, place in stored
        if place.get("LocalPath", "").startswith(_ML)
    ]


def upload_processing(spec: InstanceSpec, blobs: Blobs, ml: Path) -> list[str]:
    """What is continuous has been stored already. Returns what was left out."""
    left_out = []
    for output in outputs_of(spec):
        if not output.is_continuous:
            uri = parse_s3_uri(output.uri, at=f"output {output.name}")
            left_out += _put_files(blobs, uri.bucket, uri.key.rstrip("/"), ml, output.local)
    return left_out


def _put_files(blobs: Blobs, bucket: str, place: str, ml: Path, folder: str) -> list[str]:
    left = look(ml, folder)
    for name in left.files:
        with opened(ml, f"{folder}/{name}") as file:
            blobs.put(bucket, f"{place}/{name}" if place else name, file)
    return _paths(folder, left.others)


def _put_archive(blobs: Blobs, bucket: str, place: str, ml: Path, folder: str) -> list[str]:
    left = look(ml, folder)
    if left.files:
        with tempfile.TemporaryFile(dir=ml) as archive:
            _write_tar(archive, ml, folder, left.files)
            archive.seek(0)
            blobs.put(bucket, f"{place}.tar.gz", archive, content_type="application/gzip")
    return _paths(folder, left.others)


def _write_tar(archive: IO[bytes], ml: Path, folder: str, names: Sequence[str]) -> None:
    """A file with two names is in it twice, so that whoever reads it needs no links."""
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1, dereference=True) as tar:
        for name in names:
            with opened(ml, f"{folder}/{name}") as file:
                tar.addfile(tar.gettarinfo(arcname=name, fileobj=file), file)


def _paths(folder: str, names: Sequence[str]) -> list[str]:
    return [f"{folder}/{name}" for name in names]
