"""The log streams of a job: one for each of its instances, over all attempts."""

from pathlib import Path

from naiad.service.contract.log_stream import LogStream
from naiad.service.domain.job import Job, JobKind
from naiad.service.executors.instance_files import LOG_FILE
from naiad.service.jobs.layout import job_instances

LOG_GROUPS = {
    "/aws/sagemaker/TrainingJobs": JobKind.TRAINING,
    "/aws/sagemaker/ProcessingJobs": JobKind.PROCESSING,
    "/aws/sagemaker/TransformJobs": JobKind.TRANSFORM,
}


def log_streams_of(state_folder: Path, job: Job) -> list[LogStream]:
    """Returns the streams that have a file, sorted by name."""
    attempts = [job_instances(state_folder, job, attempt=attempt) for attempt in range(1, job.attempt + 1)]
    created_s = int(job.created_at.timestamp())
    streams = [
        LogStream(
            f"{job.name}/{instances[0].host}-{created_s}",
            created_s * 1000,
            tuple(instance.folder / LOG_FILE for instance in instances),
        )
        for instances in zip(*attempts, strict=True)
    ]
    return sorted(
        (stream for stream in streams if any(file.exists() for file in stream.files)), key=lambda stream: stream.name
    )
