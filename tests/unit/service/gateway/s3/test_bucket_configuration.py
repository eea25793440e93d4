"""Configurations of buckets: what is kept, what is empty, and what is refused."""

import pytest

from naiad.service.gateway.s3.bucket_configuration import CONFIGURATIONS

ENCRYPTION = (
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>"
    "<KMSMasterKeyID>alias/k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
)
KEPT = {
    "accelerate": "<AccelerateConfiguration><Status>Suspended</Status></AccelerateConfiguration>",
    "encryption": ENCRYPTION,
    "logging": "<BucketLoggingStatus/>",
    "notification": "<NotificationConfiguration/>",
    "ownershipControls": "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>",
    "publicAccessBlock": "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
    "</PublicAccessBlockConfiguration>",
    "requestPayment": "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
    "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>",
    "versioning": "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
}
REFUSED = {
    "accelerate": "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>",
    "logging": "<BucketLoggingStatus><LoggingEnabled><TargetBucket>b</TargetBucket></LoggingEnabled></BucketLoggingStatus>",
    "notification": "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>",
    "requestPayment": "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
    "versioning": "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
}
MALFORMED = {
    "encryption": ENCRYPTION.replace("aws:kms", "rot13"),
    "ownershipControls": "<OwnershipControls/>",
    "publicAccessBlock": "<PublicAccessBlockConfiguration><BlockAll>true</BlockAll></PublicAccessBlockConfiguration>",
    "tagging": "<Tagging/>",
    "versioning": "<Other/>",
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_that_was_never_put(call, name):
    response = call("GET", f"/data?{name}")
    code, root = CONFIGURATIONS[name].error_code, CONFIGURATIONS[name].root
    assert (f"<Code>{code}</Code>" if code else f"<{root} xmlns=") in response.text
    assert response.status == (404 if code else 200)
    assert "<Code>NoSuchBucket</Code>" in call("GET", f"/none?{name}").text


@pytest.mark.parametrize("name", KEPT)
def test_a_configuration_that_is_kept_and_said_back(call, name):
    assert call("PUT", f"/data?{name}", body=KEPT[name].encode()).status == 200
    text = call("GET", f"/data?{name}").text
    assert KEPT[name].partition(">")[2].partition("</")[0] in text.replace("/>", ">")
    assert "<Code>NoSuchBucket</Code>" in call("PUT", f"/none?{name}", body=KEPT[name].encode()).text


@pytest.mark.parametrize("name", REFUSED)
def test_a_configuration_that_would_not_be_carried_out_is_refused(call, name):
    before = call("GET", f"/data?{name}").text
    response = call("PUT", f"/data?{name}", body=REFUSED[name].encode())
    assert (response.status, "<Code>NotImplemented</Code>" in response.text) == (501, True)
    assert "leave the call out" in response.text
    assert call("GET", f"/data?{name}").text == before


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_configuration(call, name):
    assert "<Code>MalformedXML</Code>" in call("PUT", f"/data?{name}", body=MALFORMED[name].encode()).text


@pytest.mark.parametrize("name", [name for name, one in CONFIGURATIONS.items() if one.delete])
def test_a_deletion_of_a_configuration(call, name):
    assert call("DELETE", f"/data?{name}").status == 204
    if name in KEPT:
        call("PUT", f"/data?{name}", body=KEPT[name].encode())
        assert call("DELETE", f"/data?{name}").status == 204
    assert call("GET", f"/data?{name}").status == 404


@pytest.mark.parametrize("name", ["cors", "lifecycle", "policy", "replication", "website", "object-lock"])
def test_rules_that_nothing_carries_out_cannot_be_put(call, name):
    assert call("PUT", f"/data?{name}", body=b"<Any/>").status == 501


def test_a_configuration_of_an_id(call):
    assert "<Code>NoSuchConfiguration</Code>" in call("GET", "/data?inventory&id=1").text
    assert "<IsTruncated>false</IsTruncated>" in call("GET", "/data?inventory").text


def test_an_object_that_is_put_has_the_default_encryption_of_its_bucket(call):
    call("PUT", "/data?encryption", body=ENCRYPTION.encode())
    put = call("PUT", "/data/k", body=b"x")
    assert put.headers["x-amz-server-side-encryption"] == "aws:kms"
    head = call("HEAD", "/data/k").headers
    assert head["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/k"
    own = call("PUT", "/data/k", body=b"x", headers={"x-amz-server-side-encryption": "AES256"})
    assert own.headers["x-amz-server-side-encryption"] == "AES256"
    assert "x-amz-server-side-encryption-aws-kms-key-id" not in call("HEAD", "/data/k").headers
    upload = call("POST", "/data/k?uploads")
    assert upload.headers["x-amz-server-side-encryption"] == "aws:kms"
    copy = call("PUT", "/data/copy", headers={"x-amz-copy-source": "/data/k"})
    assert copy.headers["x-amz-server-side-encryption"] == "aws:kms"
