"""Locks of objects: no bucket has them, and S3's answer to that."""

from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.s3_call import S3Call


async def refuse_lock(call: S3Call) -> Response:
    """Raises S3Error, as S3 does in a bucket without object lock; NoSuchKey."""
    await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    raise S3Error("InvalidRequest", 400, "Bucket is missing Object Lock Configuration: objects cannot be locked here")
