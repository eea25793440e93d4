"""Training jobs of one instance, run by an executor without a server."""

import io
import os
import tarfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.open import open_blobs
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import STATUS_OF
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec
from naiad.service.walls.resource_guard import NO_CONTROL_GROUP


def training_spec(
    state: Path,
    program: str,
    *,
    name: str = "one",
    environment: dict[str, str] | None = None,
    more: dict[str, Any] | None = None,
    **files: str,
) -> InstanceSpec:
    """Returns the spec of a training job with ``program`` as its script, and other modules beside it.

    ``more``: members of the request.
    """
    blobs = open_blobs(str(state / "blobs"))
    assert isinstance(blobs, FolderBlobStore)
    if not blobs.has_bucket("naiad"):
        blobs.create_bucket("naiad")
    source = io.BytesIO()
    with tarfile.open(fileobj=source, mode="w:gz") as tar:
        for file, text in {"train.py": program, **{f"{module}.py": text for module, text in files.items()}}.items():
            content = textwrap.dedent(text).encode()
            info = tarfile.TarInfo(file)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    source.seek(0)
    blobs.put("naiad", f"{name}.tar.gz", source)
    folder = state / "jobs" / "training-job" / name / "1" / "algo-1"
    return InstanceSpec(
        instance=Instance(JobKind.TRAINING, name, 1, 0, folder),
        arn=f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}",
        request={
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": "any/pytorch:1", "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://naiad/{name}.tar.gz",
                "lr": "0.5",
            },
            "OutputDataConfig": {"S3OutputPath": "s3://naiad/out/"},
            "StoppingCondition": {},
            "Environment": {"NAIAD_STOP_TIMEOUT_S": "0.5", **(environment or {})},
            **(more or {}),
        },
        hosts=("algo-1",),
        cpus=(min(os.sched_getaffinity(0)),),
        memory_bytes=2**30,
        region="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        access_key="A",
        secret_key="S",
        blobs_url=str(state / "blobs"),
        cache_folder=state / "cache",
    )


def wait_until(condition: Callable[[], bool], *, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run(executor: LocalExecutor, spec: InstanceSpec, *, within_s: float = 30) -> InstanceReport:
    def has_ended() -> bool:
        report = executor.report(spec.instance)
        return report is not None and STATUS_OF[report.phase].is_final and not report.alive

    executor.start(spec)
    try:
        wait_until(has_ended, within_s=within_s)
    except BaseException:
        executor.kill(spec.instance)
        raise
    report = executor.report(spec.instance)
    assert report is not None
    return report


def all_lines(spec: InstanceSpec) -> list[str]:
    text = (spec.instance.folder / "log").read_text(encoding="utf-8")
    return [line.partition(" ")[2] for line in text.splitlines()]


def lines(spec: InstanceSpec) -> list[str]:
    """Returns the lines of a job's log but for the one about a machine that allows no control groups."""
    return [line for line in all_lines(spec) if NO_CONTROL_GROUP not in line]
