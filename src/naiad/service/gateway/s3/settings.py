"""Settings of buckets and objects that this store does not have: the answers that S3 gives where none was made."""

from naiad.service.gateway.request import Response
from naiad.service.gateway.s3.buckets import demand_bucket, owner
from naiad.service.gateway.s3.call import Call, xml_response
from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.xml import Node, element

ABSENT: dict[str, tuple[str, str]] = {
    "cors": ("GetBucketCors", "NoSuchCORSConfiguration"),
    "encryption": ("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"),
    "lifecycle": ("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
    "object-lock": ("GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"),
    "ownershipControls": ("GetBucketOwnershipControls", "OwnershipControlsNotFoundError"),
    "policy": ("GetBucketPolicy", "NoSuchBucketPolicy"),
    "policyStatus": ("GetBucketPolicyStatus", "NoSuchBucketPolicy"),
    "publicAccessBlock": ("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
    "replication": ("GetBucketReplication", "ReplicationConfigurationNotFoundError"),
    "tagging": ("GetBucketTagging", "NoSuchTagSet"),
    "website": ("GetBucketWebsite", "NoSuchWebsiteConfiguration"),
}
"""The operation and the code of its refusal, by the query parameter that asks for a bucket's setting."""


async def absent(call: Call) -> Response:
    await demand_bucket(call)
    name = next(name for name, _ in call.request.query if name in ABSENT)
    raise S3Error(ABSENT[name][1], 404, f"bucket {call.bucket} has no {name}")


async def get_versioning(call: Call) -> Response:
    await demand_bucket(call)
    return xml_response(element("VersioningConfiguration"))


async def get_bucket_acl(call: Call) -> Response:
    await demand_bucket(call)
    return xml_response(_acl())


async def get_object_acl(call: Call) -> Response:
    await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    return xml_response(_acl())


async def get_object_tags(call: Call) -> Response:
    await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    return xml_response(element("Tagging", element("TagSet")))


def _acl() -> Node:
    grantee = owner()
    grantee.name = "Grantee"
    grantee.attributes = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
    grant = element("Grant", grantee, element("Permission", "FULL_CONTROL"))
    return element("AccessControlPolicy", owner(), element("AccessControlList", grant))
