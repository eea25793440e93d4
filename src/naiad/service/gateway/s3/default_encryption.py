"""The default encryption of a bucket: the headers that are kept with an object that is put without any of its own."""

from dataclasses import replace

from naiad.service.blobs.port import BlobStore, ObjectAttributes
from naiad.service.gateway.s3.encryption import ALGORITHM_HEADER, KMS_KEY_HEADER
from naiad.service.gateway.s3.xml import parse_xml


def with_default_encryption(blobs: BlobStore, bucket: str, attributes: ObjectAttributes) -> ObjectAttributes:
    """Blocks. Raises NoSuchBucket."""
    if ALGORITHM_HEADER in attributes.headers or attributes.customer_key is not None:
        return attributes
    text = blobs.configuration(bucket, "encryption")
    if text is None:
        return attributes
    rule = parse_xml(text.encode()).all("Rule")[0].all("ApplyServerSideEncryptionByDefault")[0]
    values = {ALGORITHM_HEADER: rule.value("SSEAlgorithm"), KMS_KEY_HEADER: rule.value("KMSMasterKeyID")}
    headers = {name: value.strip() for name, value in values.items() if value}
    return replace(attributes, headers={**attributes.headers, **headers})
