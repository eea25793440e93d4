"""Stores what a program leaves behind, as archives or files, under the URIs of the request."""

import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from naiad.service.blobs.port import BlobStore, ObjectAttributes
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.job import JobKind
from naiad.service.executors.port import InstanceSpec
from naiad.service.walls.program_files import list_folder, open_file

_ML = "/opt/ml/"


def upload_training(spec: InstanceSpec, blobs: BlobStore, ml: Path) -> list[str]:
    """Stores the model (from the first host only) and the output data, as model.tar.gz and output.tar.gz.

    Returns the names of what was left out because it is neither a file nor a folder.
    """
    config = spec.request["OutputDataConfig"]
    uri = parse_s3_uri(config["S3OutputPath"], at="S3OutputPath")
    base = f"{uri.key.rstrip('/')}/" if uri.key.rstrip("/") else ""
    prefix = f"{base}{spec.instance.job_name}/output/"
    folders = {"output" if len(spec.hosts) == 1 else f"output-{spec.instance.host}": "output/data"}
    if spec.instance.index == 0:
        folders = {"model": "model"} | folders
    put = _put_files if config.get("CompressionType") == "NONE" else _put_archive
    return [other for name, folder in folders.items() for other in put(blobs, uri.bucket, prefix + name, ml, folder)]


@dataclass(frozen=True)
class ProcessingOutput:
    name: str
    folder: str
    """The path below /opt/ml."""
    uri: str
    is_continuous: bool
    """Whether it is stored while the program runs, and not only at its end."""


def processing_outputs(spec: InstanceSpec) -> list[ProcessingOutput]:
    """Returns the outputs of a processing job that are stored in S3. A transform job has one."""
    if spec.instance.kind is JobKind.TRANSFORM:
        uri = spec.request["TransformOutput"]["S3OutputPath"]
        return [ProcessingOutput("TransformOutput", "transform/output", uri, is_continuous=False)]
    outputs = spec.request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    targets = [(output["OutputName"], output["S3Output"]) for output in outputs if "S3Output" in output]
    return [
        ProcessingOutput(
            name, target["LocalPath"].removeprefix(_ML), target["S3Uri"], target["S3UploadMode"] == "Continuous"
        )
        for name, target in targets
        if target.get("LocalPath", "").startswith(_ML)
    ]


def upload_processing(spec: InstanceSpec, blobs: BlobStore, ml: Path) -> list[str]:
    """Stores the outputs that are not continuous. Returns the names of what was left out."""
    left_out = []
    for output in processing_outputs(spec):
        if not output.is_continuous:
            uri = parse_s3_uri(output.uri, at=f"output {output.name}")
            left_out += _put_files(blobs, uri.bucket, uri.key.rstrip("/"), ml, output.folder)
    return left_out


def _put_files(blobs: BlobStore, bucket: str, key: str, ml: Path, folder: str) -> list[str]:
    content = list_folder(ml, folder)
    for name in content.files:
        with open_file(ml, f"{folder}/{name}") as file:
            blobs.put(bucket, f"{key}/{name}" if key else name, file)
    return _paths(folder, content.others)


def _put_archive(blobs: BlobStore, bucket: str, key: str, ml: Path, folder: str) -> list[str]:
    content = list_folder(ml, folder)
    if content.files:
        with tempfile.TemporaryFile(dir=ml) as archive:
            _write_tar(archive, ml, folder, content.files)
            archive.seek(0)
            blobs.put(bucket, f"{key}.tar.gz", archive, attributes=ObjectAttributes("application/gzip"))
    return _paths(folder, content.others)


def _write_tar(archive: IO[bytes], ml: Path, folder: str, names: Sequence[str]) -> None:
    """Packs files. A file with two hard links is packed twice, so that readers need no links."""
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1, dereference=True) as tar:
        for name in names:
            with open_file(ml, f"{folder}/{name}") as file:
                tar.addfile(tar.gettarinfo(arcname=name, fileobj=file), file)


def _paths(folder: str, names: Sequence[str]) -> list[str]:
    return [f"{folder}/{name}" for name in names]
