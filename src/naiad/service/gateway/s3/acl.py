"""Access control lists. There is one account, and nobody else gets in: an ACL that says so is accepted, and any other refused.

AWS's own buckets are like this since 2023: their ACLs are switched off (BucketOwnerEnforced).
"""

from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.errors import S3Error, malformed_xml
from naiad.service.gateway.s3.existing_bucket import check_bucket
from naiad.service.gateway.s3.owner import owner_element
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import MAX_SMALL_BYTES, Node, element

_PRIVATE = ("private", "bucket-owner-full-control", "bucket-owner-read")
"""Canned ACLs that give nothing to anybody but the one account."""
_GRANT_PREFIX = "x-amz-grant-"
_GRANT_TO_OWNER = f'id="{ACCOUNT_ID}"'


async def get_bucket_acl(call: S3Call) -> Response:
    await check_bucket(call)
    return xml_response(_acl_document())


async def get_object_acl(call: S3Call) -> Response:
    await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    return xml_response(_acl_document())


async def put_bucket_acl(call: S3Call) -> Response:
    await check_bucket(call)
    await _check_acl(call)
    return Response(200, {})


async def put_object_acl(call: S3Call) -> Response:
    await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    await _check_acl(call)
    return Response(200, {})


def check_acl_headers(request: Request) -> None:
    """Raises S3Error for headers that give access to others."""
    canned = request.header("x-amz-acl")
    if canned and canned not in _PRIVATE:
        raise _acl_not_supported(f"x-amz-acl {canned[:40]!r}")
    for name, value in request.headers.items():
        if name.startswith(_GRANT_PREFIX) and any(
            grantee.strip() not in (_GRANT_TO_OWNER, f"id={ACCOUNT_ID}") for grantee in value.split(",")
        ):
            raise _acl_not_supported(f"{name} {value[:60]!r}")


async def _check_acl(call: S3Call) -> None:
    check_acl_headers(call.request)
    if call.request.header("content-length") not in ("", "0") or call.request.header("x-amz-decoded-content-length"):
        _check_policy(await call.read_xml(MAX_SMALL_BYTES))
    else:
        await call.open_body(MAX_SMALL_BYTES).read_all()


def _check_policy(root: Node) -> None:
    if root.name != "AccessControlPolicy":
        raise malformed_xml(f"the body is {root.name}, not AccessControlPolicy")
    for owner in root.all("Owner"):
        if owner.value("ID") not in (None, "", ACCOUNT_ID):
            raise _acl_not_supported("another owner")
    for grants in root.all("AccessControlList"):
        for grant in grants.all("Grant"):
            grantees = grant.all("Grantee")
            if not grantees or grantees[0].value("ID") != ACCOUNT_ID:
                raise _acl_not_supported("a grant to somebody else")


def _acl_not_supported(what: str) -> S3Error:
    return S3Error(
        "AccessControlListNotSupported",
        400,
        f"{what}: the bucket does not allow ACLs, since only signed requests are answered here; "
        "leave the ACL out, or give private, and share an object by a presigned URL",
    )


def _acl_document() -> Node:
    grantee = owner_element()
    grantee.name = "Grantee"
    grantee.attributes = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
    grant = element("Grant", grantee, element("Permission", "FULL_CONTROL"))
    return element("AccessControlPolicy", owner_element(), element("AccessControlList", grant))
