"""ListBuckets, CreateBucket, HeadBucket, DeleteBucket and GetBucketLocation."""

from naiad.service.blobs.errors import BucketExists
from naiad.service.domain.errors import Invalid, NotServed
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.acl import check_acl_headers
from naiad.service.gateway.s3.configuration_checks import ownership_document
from naiad.service.gateway.s3.errors import S3Error, invalid_argument, malformed_xml
from naiad.service.gateway.s3.existing_bucket import check_bucket
from naiad.service.gateway.s3.owner import owner_element
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import MAX_SMALL_BYTES, element, format_time, optional_element, parse_xml, s3_document

_MAX_BUCKETS = 10_000
_DEFAULT_REGION = "us-east-1"
"""The region whose location constraint is empty in S3's answers."""
_RESERVED_BEGINNINGS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


async def list_buckets(call: S3Call) -> Response:
    return await call.threads.run(lambda: _list_buckets(call))


def _list_buckets(call: S3Call) -> Response:
    """The continuation token is the last bucket of the page before; for clients it is opaque."""
    prefix, after = call.query_param("prefix") or "", call.query_param("continuation-token") or ""
    limit = call.limit_param("max-buckets", max_value=_MAX_BUCKETS)
    if limit == 0:
        raise invalid_argument("max-buckets 0: give a number of 1 or more")
    is_our_region = call.query_param("bucket-region") in (None, "", call.region)
    buckets = call.blobs.list_buckets() if is_our_region else ()
    if call.principal.limits:
        reached = {one.bucket for one in call.principal.limits}
        buckets = tuple((name, created) for name, created in buckets if name in reached)
    rows = [(name, created) for name, created in buckets if name.startswith(prefix) and name > after]
    page = [
        element("Bucket", element("Name", name), element("CreationDate", format_time(created)))
        for name, created in rows[:limit]
    ]
    token = optional_element("ContinuationToken", rows[limit - 1][0] if len(rows) > limit else None)
    return xml_response(
        element(
            "ListAllMyBucketsResult",
            owner_element(),
            element("Buckets", *page),
            optional_element("Prefix", prefix),
            token,
        )
    )


async def create_bucket(call: S3Call) -> Response:
    body = await call.open_body(MAX_SMALL_BYTES).read_all()
    if body.strip():
        await call.threads.run(lambda: _check_configuration(body))
    if call.request.header("x-amz-bucket-object-lock-enabled").lower() == "true":
        raise NotServed("objects cannot be locked here: leave out ObjectLockEnabledForBucket")
    check_acl_headers(call.request)
    ownership = call.request.header("x-amz-object-ownership")
    document = s3_document(ownership_document(ownership)).decode() if ownership else None
    await call.threads.run(lambda: _create(call, document))
    return Response(200, {"location": f"/{call.bucket}"})


async def head_bucket(call: S3Call) -> Response:
    await check_bucket(call)
    return Response(200, {"x-amz-bucket-region": call.region})


async def delete_bucket(call: S3Call) -> Response:
    await call.threads.run(lambda: call.blobs.delete_bucket(call.bucket))
    return Response(204, {})


async def get_bucket_location(call: S3Call) -> Response:
    await check_bucket(call)
    return xml_response(element("LocationConstraint", call.region if call.region != _DEFAULT_REGION else ""))


def _create(call: S3Call, ownership: str | None) -> None:
    """Ignores a bucket that is there in us-east-1, as S3 does only there. ``ownership``: a document, or None."""
    try:
        _check_new_name(call.bucket)
        call.blobs.create_bucket(call.bucket)
    except Invalid as error:
        raise S3Error("InvalidBucketName", 400, str(error)) from error
    except BucketExists:
        if call.region != _DEFAULT_REGION:
            raise
        return
    if ownership is not None:
        call.blobs.set_configuration(call.bucket, "ownershipControls", ownership)


def _check_new_name(bucket: str) -> None:
    """Raises Invalid for names that S3 no longer gives to new buckets."""
    if ".-" in bucket or "-." in bucket:
        raise Invalid(f"bucket {bucket[:80]!r}: a dot and a hyphen may not stand side by side")
    if bucket.startswith(_RESERVED_BEGINNINGS) or bucket.endswith(_RESERVED_ENDINGS):
        raise Invalid(f"bucket {bucket[:80]!r}: S3 keeps this beginning or ending for itself")


def _check_configuration(body: bytes) -> None:
    """Accepts any location: this server stands for all of them. Raises S3Error for a body of another kind."""
    try:
        root = parse_xml(body)
    except Invalid as error:
        raise malformed_xml(str(error)) from error
    if root.name != "CreateBucketConfiguration":
        raise malformed_xml(f"the body is {root.name}, not CreateBucketConfiguration")
