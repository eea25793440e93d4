"""The check that the bucket of a call is there."""

from naiad.service.blobs.errors import NoSuchBucket
from naiad.service.gateway.s3.s3_call import S3Call


async def check_bucket(call: S3Call) -> None:
    """Raises NoSuchBucket."""
    if not await call.threads.run(lambda: call.blobs.has_bucket(call.bucket)):
        raise NoSuchBucket(f"there is no bucket {call.bucket[:80]!r}")
