"""Configurations of buckets and objects that this store does not have: answers as S3 gives them where nothing was configured."""

from dataclasses import dataclass

from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.buckets import check_bucket, owner_element
from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import Node, element


@dataclass(frozen=True)
class Configuration:
    """A configuration that no bucket has."""

    operation: str
    error_code: str
    """The code of the error that says that there is none."""


CONFIGURATIONS: dict[str, Configuration] = {
    "cors": Configuration("GetBucketCors", "NoSuchCORSConfiguration"),
    "encryption": Configuration("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"),
    "lifecycle": Configuration("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
    "object-lock": Configuration("GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"),
    "ownershipControls": Configuration("GetBucketOwnershipControls", "OwnershipControlsNotFoundError"),
    "policy": Configuration("GetBucketPolicy", "NoSuchBucketPolicy"),
    "policyStatus": Configuration("GetBucketPolicyStatus", "NoSuchBucketPolicy"),
    "publicAccessBlock": Configuration("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
    "replication": Configuration("GetBucketReplication", "ReplicationConfigurationNotFoundError"),
    "tagging": Configuration("GetBucketTagging", "NoSuchTagSet"),
    "website": Configuration("GetBucketWebsite", "NoSuchWebsiteConfiguration"),
}
"""Keys: the parameter of the query that selects the configuration."""


async def get_configuration(call: S3Call) -> Response:
    """Raises S3Error, as S3 does for a bucket without the configuration, and NoSuchBucket."""
    await check_bucket(call)
    name = next(name for name, _ in call.request.query_pairs if name in CONFIGURATIONS)
    raise S3Error(CONFIGURATIONS[name].error_code, 404, f"bucket {call.bucket} has no {name}")


async def get_bucket_versioning(call: S3Call) -> Response:
    await check_bucket(call)
    return xml_response(element("VersioningConfiguration"))


async def get_bucket_acl(call: S3Call) -> Response:
    await check_bucket(call)
    return xml_response(_acl_document())


async def get_object_acl(call: S3Call) -> Response:
    await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    return xml_response(_acl_document())


async def get_object_tagging(call: S3Call) -> Response:
    await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    return xml_response(element("Tagging", element("TagSet")))


def _acl_document() -> Node:
    grantee = owner_element()
    grantee.name = "Grantee"
    grantee.attributes = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
    grant = element("Grant", grantee, element("Permission", "FULL_CONTROL"))
    return element("AccessControlPolicy", owner_element(), element("AccessControlList", grant))
