"""Buckets: list, create, head, delete, and where they are."""

from naiad.service.blobs.errors import NoSuchBucket
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import ACCOUNT
from naiad.service.gateway.request import Response
from naiad.service.gateway.s3.call import Call, xml_response
from naiad.service.gateway.s3.errors import S3Error, bad_argument, malformed
from naiad.service.gateway.s3.xml import MAX_BYTES, Node, element, iso, optional, parsed

_MOST_BUCKETS = 10_000
_FIRST_REGION = "us-east-1"
"""The one that has no name in answers."""


async def list_buckets(call: Call) -> Response:
    """The token is the last bucket of the page before; to others it says nothing."""
    prefix, after = call.asked("prefix") or "", call.asked("continuation-token") or ""
    limit = call.count("max-buckets", most=_MOST_BUCKETS)
    if limit == 0:
        raise bad_argument("max-buckets 0: give a number of 1 or more")
    is_here = call.asked("bucket-region") in (None, "", call.region)
    buckets = await call.threads.run(call.blobs.buckets) if is_here else ()
    found = [(name, created) for name, created in buckets if name.startswith(prefix) and name > after]
    rows = [
        element("Bucket", element("Name", name), element("CreationDate", iso(created)))
        for name, created in found[:limit]
    ]
    token = optional("ContinuationToken", found[limit - 1][0] if len(found) > limit else None)
    answer = element("ListAllMyBucketsResult", owner(), element("Buckets", *rows), optional("Prefix", prefix), token)
    return xml_response(answer)


async def create_bucket(call: Call) -> Response:
    body = await call.body(MAX_BYTES).whole()
    if body.strip():
        _check_configuration(body)
    try:
        await call.threads.run(lambda: call.blobs.create_bucket(call.bucket))
    except Invalid as error:
        raise S3Error("InvalidBucketName", 400, str(error)) from error
    return Response(200, {"location": f"/{call.bucket}"})


async def head_bucket(call: Call) -> Response:
    await demand_bucket(call)
    return Response(200, {"x-amz-bucket-region": call.region})


async def delete_bucket(call: Call) -> Response:
    await call.threads.run(lambda: call.blobs.delete_bucket(call.bucket))
    return Response(204, {})


async def get_location(call: Call) -> Response:
    await demand_bucket(call)
    return xml_response(element("LocationConstraint", call.region if call.region != _FIRST_REGION else ""))


async def demand_bucket(call: Call) -> None:
    """Raises NoSuchBucket."""
    if not await call.threads.run(lambda: call.blobs.has_bucket(call.bucket)):
        raise NoSuchBucket(f"there is no bucket {call.bucket[:80]!r}")


def owner() -> Node:
    return element("Owner", element("ID", ACCOUNT), element("DisplayName", "naiad"))


def _check_configuration(body: bytes) -> None:
    """Any location is taken: all of them are here."""
    try:
        root = parsed(body)
    except Invalid as error:
        raise malformed(str(error)) from error
    if root.name != "CreateBucketConfiguration":
        raise malformed(f"the body is {root.name}, not CreateBucketConfiguration")
