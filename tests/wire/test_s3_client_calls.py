"""Calls that S3's clients make by themselves, with unmodified boto3 and signed requests."""

import base64

import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 2**20
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}


@pytest.fixture
def s3(live):
    client = live.client("s3")
    yield client
    client.close()


@pytest.fixture
def http():
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


def error_of(call, **arguments):
    """Calls, expects an error, and returns (status, code)."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_a_bucket_that_is_there_is_created_again_in_the_first_region_only(s3):
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    s3.create_bucket(Bucket="data")
    assert s3.get_object(Bucket="data", Key="k")["Body"].read() == b"x"


def test_every_version_of_a_bucket_is_deleted(s3):
    """Tools that empty a bucket list its versions first, whether it has any or not."""
    for number in range(5):
        s3.put_object(Bucket="data", Key=f"k{number}", Body=b"x")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="data", PaginationConfig={"PageSize": 2}):
        rows = [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in page["Versions"]]
        assert "Errors" not in s3.delete_objects(Bucket="data", Delete={"Objects": rows})
    assert "Versions" not in s3.list_object_versions(Bucket="data")


def test_a_change_of_the_storage_class_by_a_copy_onto_itself(s3):
    s3.put_object(Bucket="data", Key="k", Body=b"x", Metadata={"m": "1"}, ContentEncoding="gzip", Tagging="a=1")
    source = {"Bucket": "data", "Key": "k"}
    assert error_of(s3.copy_object, Bucket="data", Key="k", CopySource=source) == (400, "InvalidRequest")
    s3.copy_object(Bucket="data", Key="k", CopySource=source, StorageClass="GLACIER_IR")
    head = s3.head_object(Bucket="data", Key="k")
    assert (head["StorageClass"], head["Metadata"], head["ContentEncoding"]) == ("GLACIER_IR", {"m": "1"}, "gzip")
    assert s3.get_object_tagging(Bucket="data", Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]
    s3.copy_object(Bucket="data", Key="k", CopySource=source, ServerSideEncryption="AES256")
    head = s3.head_object(Bucket="data", Key="k")
    assert ("StorageClass" in head, head["ServerSideEncryption"]) == (False, "AES256")


def test_configurations_that_provisioning_tools_read_and_write(s3):
    """Calls what Terraform's and CDK's providers call for a plain bucket."""
    s3.put_public_access_block(Bucket="data", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket="data")["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True
    s3.put_bucket_tagging(Bucket="data", Tagging={"TagSet": [{"Key": "team", "Value": "x"}]})
    assert s3.get_bucket_tagging(Bucket="data")["TagSet"] == [{"Key": "team", "Value": "x"}]
    s3.put_bucket_ownership_controls(
        Bucket="data", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket="data")["Status"] == "Suspended"
    assert s3.get_bucket_request_payment(Bucket="data")["Payer"] == "BucketOwner"
    for name in ("logging", "notification_configuration", "accelerate_configuration"):
        getattr(s3, f"get_bucket_{name}")(Bucket="data")
    for name in ("policy", "cors", "website", "tagging", "encryption", "replication", "lifecycle"):
        getattr(s3, f"delete_bucket_{name}")(Bucket="data")
    assert error_of(s3.get_bucket_tagging, Bucket="data") == (404, "NoSuchTagSet")
    refused = {"VersioningConfiguration": {"Status": "Enabled"}}
    assert error_of(s3.put_bucket_versioning, Bucket="data", **refused) == (501, "NotImplemented")


def test_acls_that_storage_libraries_set(s3):
    s3.put_object(Bucket="data", Key="k", Body=b"x", ACL="bucket-owner-full-control")
    s3.put_object_acl(Bucket="data", Key="k", ACL="private")
    acl = s3.get_object_acl(Bucket="data", Key="k")
    s3.put_object_acl(Bucket="data", Key="k", AccessControlPolicy={name: acl[name] for name in ("Owner", "Grants")})
    s3.put_bucket_acl(Bucket="data", ACL="private")
    public = error_of(s3.put_object_acl, Bucket="data", Key="k", ACL="public-read")
    assert public == error_of(s3.put_object, Bucket="data", Key="p", ACL="public-read")
    assert public == (400, "AccessControlListNotSupported")
    assert [row["Key"] for row in s3.list_objects_v2(Bucket="data")["Contents"]] == ["k"]


def test_a_download_part_by_part(s3):
    upload = {"Bucket": "data", "Key": "k"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ChecksumAlgorithm="CRC32")["UploadId"]
    pieces = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c"]
    etags = [
        s3.upload_part(**upload, PartNumber=number, Body=piece, ChecksumAlgorithm="CRC32")["ETag"]
        for number, piece in enumerate(pieces, 1)
    ]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    count = s3.head_object(Bucket="data", Key="k", PartNumber=1)["PartsCount"]
    got = [s3.get_object(Bucket="data", Key="k", PartNumber=number)["Body"].read() for number in range(1, count + 1)]
    assert got == pieces
    attributes = s3.get_object_attributes(Bucket="data", Key="k", ObjectAttributes=["ObjectParts", "Checksum", "ETag"])
    assert [part["Size"] for part in attributes["ObjectParts"]["Parts"]] == [5 * MIB, 5 * MIB, 1]
    assert attributes["Checksum"]["ChecksumType"] == "COMPOSITE"
    assert attributes["ETag"].endswith("-3")


def test_transfers_under_a_customers_key(s3, tmp_path):
    (tmp_path / "up").write_bytes(bytes(range(256)) * 4 * 9 * 1024)  # 9 MiB: in parts
    s3.upload_file(str(tmp_path / "up"), "data", "k", ExtraArgs=CUSTOMER)
    s3.download_file("data", "k", str(tmp_path / "down"), ExtraArgs=CUSTOMER)
    assert (tmp_path / "down").read_bytes() == (tmp_path / "up").read_bytes()
    assert error_of(s3.get_object, Bucket="data", Key="k") == (400, "InvalidRequest")
    assert error_of(s3.get_object, Bucket="data", Key="k", **CUSTOMER | {"SSECustomerKey": "o" * 32})[0] == 400


def test_headers_that_a_presigned_url_carries_in_its_query(live, s3, http):
    """SDKs of other languages move x-amz- headers into the URL; boto3 does so with version 2."""
    client = live.client("s3", config=Config(signature_version="s3"))
    url = client.generate_presigned_url(
        "put_object", Params={"Bucket": "data", "Key": "k", "Metadata": {"one": "1"}, "StorageClass": "STANDARD_IA"}
    )
    assert "x-amz-meta-one=1" in url
    assert http.request("PUT", url, body=b"x").status == 200
    head = s3.head_object(Bucket="data", Key="k")
    assert (head["Metadata"], head["StorageClass"]) == ({"one": "1"}, "STANDARD_IA")
    assert http.request("PUT", url.replace("x-amz-meta-one=1", "x-amz-meta-one=2"), body=b"x").status == 403


@pytest.fixture(params=["s3v4", "s3"])
def post(request, live, http):
    """A function that posts a file with a policy, and returns the response: ``post("up/${filename}", content, …)``."""
    client = live.client("s3", config=Config(signature_version=request.param))

    def send(key, content, *, fields=None, conditions=(), changed=None, **options):
        fields = fields or {}
        rules = [*conditions, *({name: value} for name, value in fields.items())]
        signed = client.generate_presigned_post("data", key, Fields=dict(fields), Conditions=rules, **options)
        rows = {**signed["fields"], **(changed or {})}
        body = [*((name, value) for name, value in rows.items() if value is not None), ("file", ("x y.txt", content))]
        return http.request("POST", signed["url"], fields=body, redirect=False)

    yield send
    client.close()


def test_a_browser_uploads_a_file(post, s3):
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
    fields = {"Content-Type": "text/plain", "x-amz-meta-one": "1", "acl": "private", "tagging": tags}
    response = post("up/${filename}", b"data", fields=fields, conditions=[["content-length-range", 1, 10]])
    assert (response.status, response.data) == (204, b"")
    got = s3.get_object(Bucket="data", Key="up/x y.txt")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"], got["TagCount"]) == (
        b"data",
        "text/plain",
        {"one": "1"},
        1,
    )
    assert response.headers["etag"] == got["ETag"]


def test_a_large_file_streams(post, s3):
    content = bytes(range(256)) * 4 * 3 * 1024 + b"\r\n--"
    assert post("k", content).status == 204
    assert s3.get_object(Bucket="data", Key="k")["Body"].read() == content


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        ({"conditions": [["content-length-range", 1, 3]]}, 400, "EntityTooLarge"),
        ({"conditions": [["content-length-range", 5, 9]]}, 400, "EntityTooSmall"),
        ({"changed": {"key": "other"}}, 403, "AccessDenied"),
        ({"changed": {"x-amz-meta-extra": "1"}}, 403, "AccessDenied"),
        ({"changed": {"policy": base64.b64encode(b"{}").decode()}}, 403, "SignatureDoesNotMatch"),
        ({"changed": {"policy": None}}, 403, "AccessDenied"),
        ({"changed": {"key": ""}}, 400, "InvalidArgument"),
        ({"fields": {"acl": "public-read"}}, 400, "AccessControlListNotSupported"),
        ({"ExpiresIn": -1}, 403, "AccessDenied"),
    ],
)
def test_a_refusal_is_in_s3s_xml_and_leaves_nothing(post, s3, arguments, status, code):
    response = post("k", b"data", **arguments)
    assert (response.status, f"<Code>{code}</Code>".encode() in response.data) == (status, True)
    assert response.headers["content-type"] == "application/xml"
    assert "Contents" not in s3.list_objects_v2(Bucket="data")


@pytest.mark.parametrize(("status", "expected"), [("200", 200), ("201", 201), ("404", 204)])
def test_the_status_that_a_form_asks_for(post, status, expected):
    response = post("a b", b"data", fields={"success_action_status": status})
    assert response.status == expected
    assert (b"<Key>a b</Key>" in response.data) == (expected == 201)


def test_the_page_that_a_form_goes_on_to(post):
    response = post("k", b"data", fields={"success_action_redirect": "http://example.com/done?x=1"})
    assert response.status == 303
    assert response.headers["location"].startswith("http://example.com/done?x=1&bucket=data&key=k&etag=%22")


def test_a_policy_that_nobody_signed(live, http, s3):
    fields = {"key": "k", "policy": base64.b64encode(b"{}").decode(), "file": ("x", b"data")}
    response = http.request("POST", f"{live.url}/data", fields=fields)
    assert (response.status, b"<Code>InvalidArgument</Code>" in response.data) == (400, True)
    assert "Contents" not in s3.list_objects_v2(Bucket="data")
