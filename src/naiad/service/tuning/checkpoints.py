"""The checkpoints of trials that may pause: they are removed when the trial has ended, unless the user has asked for them."""

import logging

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import ServiceError
from naiad.service.domain.job import Job
from naiad.service.tuning.definitions import TuningDefinition

_LOG = logging.getLogger(__name__)


def remove_checkpoints(blobs: BlobStore, definition: TuningDefinition, job: Job) -> None:
    """Removes the objects of a CheckpointConfig that the tuning job has added by itself. What cannot be removed is logged."""
    config = job.request.get("CheckpointConfig")
    if not config or "CheckpointConfig" in definition.source:
        return
    uri = parse_s3_uri(config["S3Uri"], at="CheckpointConfig.S3Uri")
    try:
        while page := blobs.list(uri.bucket, prefix=uri.key).objects:
            for info in page:
                blobs.delete(uri.bucket, info.key)
    except ServiceError as error:
        _LOG.warning("the checkpoints of %s are not removed: %s", job.name, error)
