"""The gateway from a request's bytes to its response; the test sets the clock."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.doors import open_doors
from naiad.service.keys import Keys

SECOND, WINDOW = dt.timedelta(seconds=1), dt.timedelta(minutes=5)
ADD_TAGS = json.dumps({"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/a", "Tags": []}).encode()


def code_of(response):
    return json.loads(response.body)["__type"]


def test_a_ping_needs_no_signature(client):
    request = replace(client.sign(), method="GET", path="/ping", headers=[])
    assert client.send(request).body == b"healthy\n"


def test_every_response_has_an_id_of_its_own(client):
    responses = [client.send(client.sign_api_call("ListTrainingJobs")) for _ in range(2)]
    assert [response.status for response in responses] == [200, 200]
    assert len({response.headers["x-amzn-requestid"] for response in responses}) == 2


def test_a_read_is_served_while_its_date_is_valid(client):
    """A read may be sent again, as at AWS; its date is valid for five minutes both ways."""
    request, signed_at = client.sign_api_call("ListTrainingJobs"), client.clock.now().replace(microsecond=0)
    for later in (-WINDOW + SECOND, WINDOW):
        client.clock.at = signed_at + later
        assert client.send(request).status == 200
    for later in (-WINDOW - SECOND, WINDOW + 2 * SECOND):
        client.clock.at = signed_at + later
        response = client.send(request)
        assert (response.status, code_of(response)) == (400, "InvalidSignatureException")
        assert b"five minutes" in response.body


@pytest.mark.parametrize("after_s", [11, 60, 298])
def test_a_replayed_change_is_rejected(client, after_s):
    request = client.sign_api_call("AddTags", ADD_TAGS)
    first = client.send(request)
    assert code_of(first) != "InvalidSignatureException"
    assert client.send(request).body == first.body
    client.clock.at += after_s * SECOND
    again = client.send(request)
    assert (again.status, code_of(again)) == (400, "InvalidSignatureException")
    assert b"came before" in again.body


def test_a_clock_that_is_set_back_accepts_no_replay(client):
    request = client.sign_api_call("AddTags", ADD_TAGS)
    client.send(request)
    client.clock.at += 60 * SECOND
    client.clock.jump(-60.0)
    again = client.send(request)
    assert (again.status, code_of(again)) == (400, "InvalidSignatureException")
    assert b"came before" in again.body


def test_replayed_puts_and_deletes_of_objects_are_rejected(client):
    requests = {m: client.sign(b"x", method=m, path="/data/key", service="s3") for m in ("PUT", "DELETE", "GET")}
    assert [client.send(request).status for request in requests.values()] == [200, 204, 404]
    client.clock.at += 11 * SECOND
    for method in ("PUT", "DELETE"):
        again = client.send(requests[method])
        assert (again.status, b"<Code>AccessDenied</Code>" in again.body) == (403, True)
    assert client.send(requests["GET"]).status == 404


def test_an_unsigned_header_does_not_hide_a_replay(client):
    request = client.sign_api_call("AddTags", ADD_TAGS)
    client.send(request)
    client.clock.at += 11 * SECOND
    again = client.send(replace(request, headers=[*request.headers, ("amz-sdk-invocation-id", "another")]))
    assert b"came before" in again.body


def test_a_presigned_url_may_be_used_again(client):
    request = client.presign(b"x", method="PUT", path="/data/key", expires_s=60)
    for _ in range(2):
        assert client.send(request).status == 200
        client.clock.at += 20 * SECOND


def test_a_body_that_was_not_signed(client):
    response = client.send(replace(client.sign_api_call("ListTrainingJobs"), body=[b'{"MaxResults":3}']))
    assert (response.status, code_of(response)) == (400, "InvalidSignatureException")


def test_an_unsigned_payload_is_for_s3_alone(client):
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    request = client.sign_api_call("ListTrainingJobs", headers=unsigned)
    response = client.send(request)
    assert response.status in (400, 403)
    assert code_of(response) == "InvalidSignatureException"


def test_a_body_in_pieces(client):
    request = client.sign_api_call("ListTrainingJobs", b'{"MaxResults":3}')
    assert client.send(replace(request, body=[b'{"Max', b"", b'Results":3}'])).status == 200
    assert client.send(replace(request, body=[b'{"Max'], is_cut_off=True)).status == 400


@pytest.mark.parametrize(
    "added",
    [
        [("content-length", str(4 * 2**20 + 1))],
        [("content-length", "9" * 5_000)],
        [(f"h{number}", "") for number in range(128)],
        [("long", "x" * 32_768)],
        [("x" * 32_768, "")],
        [("one", "x" * 1_000)] * 40,
    ],
    ids=["length", "huge length", "many", "long value", "long name", "one name many times"],
)
def test_bounds_of_a_head(client, added):
    request = client.sign_api_call("ListTrainingJobs")
    response = client.send(replace(request, headers=[*request.headers, *added]))
    assert (response.status, code_of(response)) == (413, "RequestEntityTooLarge")
    assert response.headers["connection"] == "close"


def test_the_response_to_a_head_has_no_body(client):
    response = client.send(client.sign(b"", method="HEAD", path="/data/nothing", service="s3"))
    assert (response.status, response.body) == (404, b"")


def test_a_header_that_comes_twice_is_one_list(client):
    """A header that was added after signing changes the signed value."""
    request = client.sign_api_call("ListTrainingJobs")
    response = client.send(replace(request, headers=[*request.headers, ("X-Amz-Target", "SageMaker.StopTrainingJob")]))
    assert code_of(response) in ("InvalidSignatureException", "UnknownOperationException")


def add_job(client, name="mine"):
    now = client.clock.now()
    request = {"OutputDataConfig": {"S3OutputPath": "s3://data/out"}, "InputDataConfig": []}
    job = Job(JobKind.TRAINING, name, "us-east-1", request, ResourceRequest(1, 1, 2**30), now, now)
    return client.add_job(replace(job, access_key="ASIAJOB", secret_key="secret-of-job"))


def test_a_jobs_key_reaches_what_the_job_was_given(client):
    job = add_job(client)
    key = (job.access_key, job.secret_key)
    client.services.blobs.create_bucket("private")
    client.services.blobs.put("private", "x", [b"classified"])
    client.services.blobs.put("data", "x", [b"classified"])
    for method, path in (
        ("GET", "/private/x"), ("GET", "/data/x"), ("PUT", "/data/x"), ("DELETE", "/data/x"), ("GET", "/"),
        ("GET", "/data/out/mine/../../x"), ("GET", "/data/out/mine/%2e%2e/%2e%2e/x"), ("PUT", "/data/out/mine-not/x"),
    ):  # fmt: skip
        response = client.send(client.sign(b"", method=method, path=path, service="s3", key=key))
        assert response.status in (403, 404), (method, path)
        assert b"classified" not in response.body
    assert client.send(client.sign(b"y", method="PUT", path="/data/out/mine/y", service="s3", key=key)).status == 200
    headers = {"x-amz-copy-source": "/private/x"}
    copied = client.sign(b"", method="PUT", path="/data/out/mine/z", service="s3", key=key, headers=headers)
    assert client.send(copied).status == 403


@pytest.mark.parametrize(
    "name", ["ListTrainingJobs", "CreateTrainingJob", "StopTrainingJob", "DeleteTrainingJob", "DeleteTrialComponent"]
)
def test_a_jobs_key_may_not_call_the_api(client, name):
    job = add_job(client)
    response = client.send(
        client.sign_api_call(name, b'{"TrainingJobName":"mine"}', key=(job.access_key, job.secret_key))
    )
    assert (response.status, code_of(response)) == (400, "AccessDeniedException")


def test_a_jobs_key_ends_with_the_job(client):
    job = add_job(client)
    request = client.sign(b"y", method="PUT", path="/data/out/mine/y", service="s3", key=("ASIAJOB", "secret-of-job"))
    assert client.send(request).status == 200
    client.services.jobs.stop(JobKind.TRAINING, job.name)
    request = client.sign(b"z", method="PUT", path="/data/out/mine/z", service="s3", key=("ASIAJOB", "secret-of-job"))
    assert b"InvalidAccessKeyId" in client.send(request).body


def test_a_revoked_key_is_rejected_at_the_next_request(client, tmp_path):
    request = client.sign_api_call("ListTrainingJobs")
    assert client.send(request).status == 200
    other_process = Keys(tmp_path / "keys.json")
    other_process.add("second")
    other_process.revoke("default")
    assert code_of(client.send(request)) == "UnrecognizedClientException"


def test_an_internal_error_shows_its_id_and_no_details(client, caplog):
    broken = Gateway(open_doors(replace(client.services, blobs=None), client.keys, None))
    request = client.sign(b"", method="GET", path="/data/k", service="s3")
    response = replace(client, gateway=broken).send(request)
    broken.close()
    assert (response.status, b"<Code>Internal" in response.body) == (500, True)
    assert b"NoneType" not in response.body
    assert response.headers["x-amz-request-id"] in caplog.text
