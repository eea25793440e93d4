"""Authentication: unmodified boto3 with right and wrong keys, and handmade requests."""

import datetime as dt
import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from naiad.service.keys import Keys


def code_of(call):
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_right_key_is_accepted(live):
    identity = live.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"].endswith("assumed-role/naiad/default")
    assert live.client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []
    assert [bucket["Name"] for bucket in live.client("s3").list_buckets()["Buckets"]] == ["data"]
    assert live.client("iam").get_role(RoleName="any")["Role"]["AssumeRolePolicyDocument"]["Statement"]


@pytest.mark.parametrize(
    ("service", "call", "unknown", "wrong"),
    [
        ("sts", lambda c: c.get_caller_identity(), "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("sagemaker", lambda c: c.list_training_jobs(), "UnrecognizedClientException", "InvalidSignatureException"),
        ("s3", lambda c: c.list_buckets(), "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        ("logs", lambda c: c.describe_log_groups(), "UnrecognizedClientException", "InvalidSignatureException"),
    ],
)
def test_wrong_keys_get_the_error_codes_of_each_service(live, service, call, unknown, wrong):
    assert code_of(lambda: call(live.client(service, aws_access_key_id="AKIAWRONG")))[0] == unknown
    assert code_of(lambda: call(live.client(service, aws_secret_access_key="wrong")))[0] == wrong


def test_a_revoked_key_is_rejected_at_once_and_a_new_one_accepted(live, tmp_path):

    other_process = Keys(tmp_path / "keys.json")
    added = other_process.add("second")
    other_process.revoke("default")
    assert code_of(lambda: live.client("sts").get_caller_identity())[0] == "InvalidClientTokenId"
    second = live.client("sts", aws_access_key_id=added.access_key, aws_secret_access_key=added.secret_key)
    assert second.get_caller_identity()["Arn"].endswith("/second")


def sign(live, *, minutes: float, body: bytes = b"{}", service: str = "sagemaker") -> AWSRequest:
    request = AWSRequest("POST", f"{live.url}/", data=body, headers={"X-Amz-Target": "SageMaker.ListTrainingJobs"})
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials(live.key.access_key, live.key.secret_key), service, "us-east-1"
    )
    time = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    request.headers["Host"] = urlsplit(live.url).netloc
    text = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, text), request)
    names = auth.signed_headers(auth.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}"
    )
    return request


def post(live, headers, body=b"{}", method="POST", path="/"):
    connection = http.client.HTTPConnection(urlsplit(live.url).netloc)
    connection.request(method, path, body, dict(headers))
    response = connection.getresponse()
    status, text = response.status, response.read().decode()
    connection.close()
    return status, text


@pytest.mark.parametrize(("minutes", "status"), [(0, 200), (-4.5, 200), (4.5, 200), (-5.5, 400), (5.5, 400)])
def test_five_minutes_of_skew(live, minutes, status):
    """A request that is sent again after five minutes is rejected for the same reason."""
    received_status, text = post(live, sign(live, minutes=minutes).headers.items())
    assert received_status == status, text
    assert status == 200 or "five minutes" in text


def test_the_same_call_many_times_in_a_second(live):
    """These calls have the same signature, and each of them must be served."""
    store = live.client("s3")

    def put_and_delete(number):
        store.put_object(Bucket="data", Key=f"key-{number % 2}", Body=b"x")
        return store.delete_object(Bucket="data", Key=f"key-{number % 2}")["ResponseMetadata"]["HTTPStatusCode"]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(put_and_delete, range(100))) == [204] * 100


def test_a_body_that_was_not_signed(live):
    status, text = post(live, sign(live, minutes=0).headers.items(), b'{"MaxResults":3}')
    assert (status, "InvalidSignatureException" in text) == (400, True)


def test_unsigned_requests_are_rejected_except_a_ping(live):
    assert post(live, {}, b"", "GET", "/ping") == (200, "healthy\n")
    status, text = post(live, {"X-Amz-Target": "SageMaker.ListTrainingJobs"})
    assert (status, "MissingAuthenticationToken" in text) == (403, True)
    status, text = post(live, {}, b"", "GET", "/data/key")
    assert (status, "AccessDenied" in text) == (403, True)


def test_a_gigabyte_is_rejected_before_it_is_sent(live):
    request = sign(live, minutes=0)
    host, port = urlsplit(live.url).netloc.split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = "".join(
            f"{name}: {value}\r\n" for name, value in request.headers.items() if name.lower() != "content-length"
        )
        connection.sendall(f"POST / HTTP/1.1\r\n{head}Content-Length: {2**30}\r\n\r\n".encode())
        response = connection.recv(4096).decode()
    assert response.startswith("HTTP/1.1 413")
    assert live.client("sts").get_caller_identity()["Account"]


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(live, version):
    live.client("s3").put_object(Bucket="data", Key="a b/ü//c.txt", Body=b"hello")
    store = live.client("s3", config=Config(signature_version=version, s3={"addressing_style": "path"}))
    url = store.generate_presigned_url("get_object", {"Bucket": "data", "Key": "a b/ü//c.txt"}, ExpiresIn=60)
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}"
    assert post(live, {}, b"", "GET", path) == (200, "hello")
    status, text = post(live, {}, b"", "GET", path.replace("c.txt", "d.txt"))
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    put = urlsplit(store.generate_presigned_url("put_object", {"Bucket": "data", "Key": "new"}, ExpiresIn=60))
    assert post(live, {}, b"by url", "PUT", f"{put.path}?{put.query}")[0] == 200
    assert live.client("s3").get_object(Bucket="data", Key="new")["Body"].read() == b"by url"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("call", ["list_objects_v2", "list_objects", "head_bucket", "get_bucket_location"])
def test_presigned_urls_of_a_bucket(live, version, call):
    store = live.client("s3", config=Config(signature_version=version))
    url = urlsplit(store.generate_presigned_url(call, {"Bucket": "data"}, ExpiresIn=60))
    method = "HEAD" if call == "head_bucket" else "GET"
    assert post(live, {}, b"", method, f"{url.path}?{url.query}")[0] == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_presigned_url_of_get_caller_identity(live, method):
    url = urlsplit(live.client("sts").generate_presigned_url("get_caller_identity", HttpMethod=method))
    status, text = post(live, {}, b"", method, f"{url.path}?{url.query}")
    assert (status, "<Account>000000000000</Account>" in text) == (200, True)
    assert post(live, {}, b"Action=GetSessionToken", method, f"{url.path}?{url.query}")[0] == 403


def test_an_expired_url(live):
    store = live.client("s3", config=Config(signature_version="s3"))
    parts = urlsplit(store.generate_presigned_url("get_object", {"Bucket": "data", "Key": "k"}, ExpiresIn=-5))
    status, text = post(live, {}, b"", "GET", f"{parts.path}?{parts.query}")
    assert (status, "expired" in text) == (403, True)


def test_operations_that_are_not_served_are_errors_in_aws_shape(live):
    code, status = code_of(lambda: live.client("sagemaker").list_domains())
    assert (code, status) == ("UnknownOperationException", 400)
    code, _ = code_of(lambda: live.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b"{}"))
    assert code == "ValidationError"


def test_validation_lists_all_problems_in_aws_words(live):
    with pytest.raises(ClientError) as caught:
        live.client("sagemaker").list_training_jobs(SortBy="Colour", NameContains="?" * 70)
    message = caught.value.response["Error"]["Message"]
    assert message.startswith("3 validation errors detected: Value ")
    assert "at 'sortBy' failed to satisfy constraint: Member must satisfy enum value set: [" in message


@pytest.mark.parametrize("version", [2, 4])
def test_a_presigned_url_with_a_line_break_in_a_header(live, version):
    """An object with such metadata could not be read: no response can hold it."""
    key = Credentials(live.key.access_key, live.key.secret_key)
    auth = S3SigV4QueryAuth(key, "s3", "us-east-1") if version == 4 else HmacV1QueryAuth(key)
    for value, status in (("x%0D%0Ay", 403), ("x%20y", 200)):
        request = AWSRequest("PUT", f"{live.url}/data/k?x-amz-meta-a={value}", headers={})
        if version == 2:
            request.headers["x-amz-meta-a"] = value.replace("%0D%0A", "\r\n").replace("%20", " ")
        auth.add_auth(request)
        parts = urlsplit(request.prepare().url)
        received, text = post(live, {}, b"", "PUT", f"{parts.path}?{parts.query}")
        assert received == status, text
    assert live.client("s3").get_object(Bucket="data", Key="k")["Metadata"] == {"a": "x y"}
