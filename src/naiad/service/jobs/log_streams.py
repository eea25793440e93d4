"""The log streams of a job: one for each of its instances, over all attempts."""

from pathlib import Path

from naiad.service.contract.log_stream import FILE, LogStream
from naiad.service.domain.job import Job, JobKind
from naiad.service.jobs.layout import instances_of

GROUPS = {
    "/aws/sagemaker/TrainingJobs": JobKind.TRAINING,
    "/aws/sagemaker/ProcessingJobs": JobKind.PROCESSING,
    "/aws/sagemaker/TransformJobs": JobKind.TRANSFORM,
}


def streams_of(state_folder: Path, job: Job) -> list[LogStream]:
    """By name; those that have a file."""
    attempts = [instances_of(state_folder, job, attempt=attempt) for attempt in range(1, job.attempt + 1)]
    created_s = int(job.created_at.timestamp())
    streams = [
        LogStream(
            f"{job.name}/{one[0].host}-{created_s}", created_s * 1000, tuple(instance.folder / FILE for instance in one)
        )
        for one in zip(*attempts, strict=True)
    ]
    return sorted(
        (stream for stream in streams if any(file.exists() for file in stream.files)), key=lambda stream: stream.name
    )
