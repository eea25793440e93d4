"""Configurations of buckets, in one table: those that can be stored, and S3's answers where nothing was configured.

A configuration that the server would not carry out is refused. What changes nothing here is stored, and said back.
"""

from collections.abc import Callable
from dataclasses import dataclass

from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3 import configuration_checks as checks
from naiad.service.gateway.s3.errors import S3Error, malformed_xml
from naiad.service.gateway.s3.existing_bucket import check_bucket
from naiad.service.gateway.s3.s3_call import XML, S3Call, xml_response
from naiad.service.gateway.s3.xml import MAX_SMALL_BYTES, Node, element, s3_document


@dataclass(frozen=True)
class Configuration:
    """One kind of configuration, selected by a parameter of the query."""

    get: str
    """The name of the operation that reads it."""
    put: str = ""
    """The name of the operation that stores it; "" where none is stored."""
    delete: str = ""
    root: str = ""
    """The root of its document. Without an error code, the answer where there is none is an empty one."""
    error_code: str = ""
    """The code of the error that says that there is none."""
    check: Callable[[Node], None] | None = None
    """Checks a document that is to be stored."""
    empty: tuple[Node, ...] = ()
    """Children of the empty answer."""
    not_served: str = ""
    """Parts of the operation that stores it which are not served, or have no effect."""

    @property
    def answer_without(self) -> str:
        """Note on the error that is answered where there is none; "" where the answer is an empty document."""
        if not self.error_code:
            return ""
        return f"`{self.error_code}` where none was put" if self.put else f"`{self.error_code}`, no bucket has one"


_NOT_TRUNCATED = (element("IsTruncated", "false"),)

CONFIGURATIONS: dict[str, Configuration] = {
    "accelerate": Configuration(
        "GetBucketAccelerateConfiguration",
        "PutBucketAccelerateConfiguration",
        root="AccelerateConfiguration",
        check=checks.check_accelerate,
        not_served="Enabled",
    ),
    "analytics": Configuration(
        "ListBucketAnalyticsConfigurations", root="ListBucketAnalyticsConfigurationResult", empty=_NOT_TRUNCATED
    ),
    "cors": Configuration("GetBucketCors", delete="DeleteBucketCors", error_code="NoSuchCORSConfiguration"),
    "encryption": Configuration(
        "GetBucketEncryption",
        "PutBucketEncryption",
        "DeleteBucketEncryption",
        "ServerSideEncryptionConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        checks.check_encryption,
        not_served="kept and said back; nothing is encrypted by it",
    ),
    "intelligent-tiering": Configuration(
        "ListBucketIntelligentTieringConfigurations",
        root="ListBucketIntelligentTieringConfigurationsOutput",
        empty=_NOT_TRUNCATED,
    ),
    "inventory": Configuration(
        "ListBucketInventoryConfigurations", root="ListInventoryConfigurationsResult", empty=_NOT_TRUNCATED
    ),
    "lifecycle": Configuration(
        "GetBucketLifecycleConfiguration", delete="DeleteBucketLifecycle", error_code="NoSuchLifecycleConfiguration"
    ),
    "logging": Configuration(
        "GetBucketLogging",
        "PutBucketLogging",
        root="BucketLoggingStatus",
        check=checks.check_no_logging,
        not_served="targets",
    ),
    "metrics": Configuration(
        "ListBucketMetricsConfigurations", root="ListMetricsConfigurationsResult", empty=_NOT_TRUNCATED
    ),
    "notification": Configuration(
        "GetBucketNotificationConfiguration",
        "PutBucketNotificationConfiguration",
        root="NotificationConfiguration",
        check=checks.check_no_notification,
        not_served="topics, queues and functions",
    ),
    "object-lock": Configuration("GetObjectLockConfiguration", error_code="ObjectLockConfigurationNotFoundError"),
    "ownershipControls": Configuration(
        "GetBucketOwnershipControls",
        "PutBucketOwnershipControls",
        "DeleteBucketOwnershipControls",
        "OwnershipControls",
        "OwnershipControlsNotFoundError",
        checks.check_ownership,
        not_served="kept and said back; everything has one owner",
    ),
    "policy": Configuration("GetBucketPolicy", delete="DeleteBucketPolicy", error_code="NoSuchBucketPolicy"),
    "policyStatus": Configuration("GetBucketPolicyStatus", error_code="NoSuchBucketPolicy"),
    "publicAccessBlock": Configuration(
        "GetPublicAccessBlock",
        "PutPublicAccessBlock",
        "DeletePublicAccessBlock",
        "PublicAccessBlockConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        checks.check_public_access_block,
        not_served="kept and said back; nothing is public",
    ),
    "replication": Configuration(
        "GetBucketReplication", delete="DeleteBucketReplication", error_code="ReplicationConfigurationNotFoundError"
    ),
    "requestPayment": Configuration(
        "GetBucketRequestPayment",
        "PutBucketRequestPayment",
        root="RequestPaymentConfiguration",
        check=checks.check_request_payment,
        empty=(element("Payer", "BucketOwner"),),
        not_served="Requester",
    ),
    "tagging": Configuration(
        "GetBucketTagging",
        "PutBucketTagging",
        "DeleteBucketTagging",
        "Tagging",
        "NoSuchTagSet",
        checks.check_bucket_tags,
    ),
    "versioning": Configuration(
        "GetBucketVersioning",
        "PutBucketVersioning",
        root="VersioningConfiguration",
        check=checks.check_versioning,
        not_served="Enabled; MfaDelete",
    ),
    "website": Configuration("GetBucketWebsite", delete="DeleteBucketWebsite", error_code="NoSuchWebsiteConfiguration"),
}
"""Keys: the parameter of the query that selects the configuration."""


async def get_configuration(call: S3Call) -> Response:
    """Raises S3Error, as S3 does for a bucket without the configuration, and NoSuchBucket."""
    await check_bucket(call)
    name, one = _configuration(call)
    text = await call.threads.run(lambda: call.blobs.configuration(call.bucket, name))
    if text is not None:
        return Response(200, XML, text.encode())
    if one.error_code:
        raise S3Error(one.error_code, 404, f"bucket {call.bucket} has no {name}")
    if call.query_param("id"):
        raise S3Error("NoSuchConfiguration", 404, f"bucket {call.bucket} has no {name} configuration of that id")
    return xml_response(element(one.root, *one.empty))


async def put_configuration(call: S3Call) -> Response:
    """Raises S3Error; NotServed for what the server would not carry out."""
    await check_bucket(call)
    name, one = _configuration(call)
    root = await call.read_xml(MAX_SMALL_BYTES)
    if root.name != one.root:
        raise malformed_xml(f"the body is {root.name}, not {one.root}")
    if one.check is not None:
        one.check(root)
    text = s3_document(root).decode()
    await call.threads.run(lambda: call.blobs.set_configuration(call.bucket, name, text))
    return Response(200, {})


async def delete_configuration(call: S3Call) -> Response:
    await check_bucket(call)
    name, _ = _configuration(call)
    await call.threads.run(lambda: call.blobs.set_configuration(call.bucket, name, None))
    return Response(204, {})


def _configuration(call: S3Call) -> tuple[str, Configuration]:
    name = next(name for name, _ in call.request.query_pairs if name in CONFIGURATIONS)
    return name, CONFIGURATIONS[name]
