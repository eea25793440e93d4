"""The chain from a request's bytes to an answer; the clock is the test's."""

import asyncio
import datetime as dt
import json
from dataclasses import replace

import pytest

from naiad.service.domain.job import Job, JobKind, Need
from naiad.service.gateway.app import Gateway
from naiad.service.gateway.s3.door import S3Door
from naiad.service.keys import Keys

SECOND, WINDOW = dt.timedelta(seconds=1), dt.timedelta(minutes=5)
MAKE = json.dumps({"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/a", "Tags": []}).encode()


def code_of(answer):
    return json.loads(answer.body)["__type"]


def test_a_ping_needs_no_signature(bench):
    sent = replace(bench.signed(), method="GET", path="/ping", headers=[])
    assert bench.call(sent).body == b"healthy\n"


def test_every_answer_has_an_id_of_its_own(bench):
    answers = [bench.call(bench.api("ListTrainingJobs")) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert len({answer.headers["x-amzn-requestid"] for answer in answers}) == 2


def test_the_window_of_a_read_to_the_second(bench):
    """AWS's own: what was sent before is served again while its date is good; a read changes nothing."""
    sent, signed_at = bench.api("ListTrainingJobs"), bench.clock.now().replace(microsecond=0)
    for later in (-WINDOW + SECOND, WINDOW):
        bench.clock.at = signed_at + later
        assert bench.call(sent).status == 200
    for later in (-WINDOW - SECOND, WINDOW + 2 * SECOND):
        bench.clock.at = signed_at + later
        answer = bench.call(sent)
        assert (answer.status, code_of(answer)) == (400, "InvalidSignatureException")
        assert b"five minutes" in answer.body


@pytest.mark.parametrize("after_s", [11, 60, 298])
def test_a_change_is_not_made_again(bench, after_s):
    sent = bench.api("AddTags", MAKE)
    first = bench.call(sent)
    assert code_of(first) != "InvalidSignatureException"
    assert bench.call(sent).body == first.body
    bench.clock.at += after_s * SECOND
    again = bench.call(sent)
    assert (again.status, code_of(again)) == (400, "InvalidSignatureException")
    assert b"came before" in again.body


def test_an_object_is_not_put_or_deleted_again(bench):
    sent = {m: bench.signed(b"x", method=m, path="/data/key", service="s3") for m in ("PUT", "DELETE", "GET")}
    assert [bench.call(one).status for one in sent.values()] == [200, 204, 404]
    bench.clock.at += 11 * SECOND
    for method in ("PUT", "DELETE"):
        again = bench.call(sent[method])
        assert (again.status, b"<Code>AccessDenied</Code>" in again.body) == (403, True)
    assert bench.call(sent["GET"]).status == 404


def test_what_was_not_signed_does_not_make_it_another(bench):
    sent = bench.api("AddTags", MAKE)
    bench.call(sent)
    bench.clock.at += 11 * SECOND
    again = bench.call(replace(sent, headers=[*sent.headers, ("amz-sdk-invocation-id", "another")]))
    assert b"came before" in again.body


def test_a_url_is_made_to_be_used_again(bench):
    sent = bench.by_url(b"x", method="PUT", path="/data/key", expires_s=60)
    for _ in range(2):
        assert bench.call(sent).status == 200
        bench.clock.at += 20 * SECOND


def test_a_body_that_was_not_signed(bench):
    answer = bench.call(replace(bench.api("ListTrainingJobs"), body=[b'{"MaxResults":3}']))
    assert (answer.status, code_of(answer)) == (400, "InvalidSignatureException")


def test_an_unsigned_payload_is_for_s3_alone(bench):
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    sent = bench.api("ListTrainingJobs", headers=unsigned)
    answer = bench.call(sent)
    assert answer.status in (400, 403)
    assert code_of(answer) == "InvalidSignatureException"


def test_a_body_in_parts(bench):
    sent = bench.api("ListTrainingJobs", b'{"MaxResults":3}')
    assert bench.call(replace(sent, body=[b'{"Max', b"", b'Results":3}'])).status == 200
    assert bench.call(replace(sent, body=[b'{"Max'], is_cut_off=True)).status == 400


class Silent:
    """A body of which no byte comes; that it was asked for is noted."""

    def __init__(self):
        self.was_asked = False

    async def __call__(self):
        self.was_asked = True
        await asyncio.get_running_loop().create_future()


def answer_to(bench, sent, receive):
    """The status, and the body."""
    messages = []
    headers = [(name.lower().encode(), value.encode()) for name, value in sent.headers]
    scope = {"type": "http", "method": sent.method, "path": sent.path, "query_string": b"", "headers": headers}

    async def send(message):
        messages.append(message)

    asyncio.run(bench.gateway(scope, receive, send))
    return messages[0]["status"], messages[1]["body"]


def test_a_body_that_does_not_come(bench):
    for sent in (bench.api("ListTrainingJobs"), bench.signed(b"x", method="PUT", path="/data/k", service="s3")):
        status, body = answer_to(bench, sent, Silent())
        assert (status, b"RequestTimeout" in body) == (400, True)


def test_a_body_that_drips(bench):
    async def drip():
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b" ", "more_body": True}

    status, body = answer_to(bench, bench.api("ListTrainingJobs"), drip)
    assert (status, b"RequestTimeout" in body) == (400, True)


def test_nobodys_body_is_not_read(bench):
    """Of a key that is not known, or a date that is not now: four megabytes times every connection are not lent."""
    stranger, silent = bench.api("ListTrainingJobs", key=("AKIANOBODY", "secret")), Silent()
    assert answer_to(bench, stranger, silent)[0] == 400
    bench.clock.at += 2 * WINDOW
    assert answer_to(bench, bench.api("ListTrainingJobs"), silent)[0] == 400
    assert not silent.was_asked


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
def test_bounds_of_a_head(bench, added):
    sent = bench.api("ListTrainingJobs")
    answer = bench.call(replace(sent, headers=[*sent.headers, *added]))
    assert (answer.status, code_of(answer)) == (413, "RequestEntityTooLarge")
    assert answer.headers["connection"] == "close"


def test_the_answer_to_a_head_has_no_body(bench):
    answer = bench.call(bench.signed(b"", method="HEAD", path="/data/nothing", service="s3"))
    assert (answer.status, answer.body) == (404, b"")


def test_a_header_that_comes_twice_is_one_list(bench):
    """Which of both was signed is then no question."""
    sent = bench.api("ListTrainingJobs")
    answer = bench.call(replace(sent, headers=[*sent.headers, ("X-Amz-Target", "SageMaker.StopTrainingJob")]))
    assert code_of(answer) in ("InvalidSignatureException", "UnknownOperationException")


def job(bench, name="mine"):
    now = bench.clock.now()
    request = {"OutputDataConfig": {"S3OutputPath": "s3://data/out"}, "InputDataConfig": []}
    created = Job(JobKind.TRAINING, name, "us-east-1", request, Need(1, 1, 2**30), now, now)
    return bench.add_job(replace(created, access_key="ASIAJOB", secret_key="secret-of-job"))


def test_a_jobs_key_is_for_what_the_job_was_given(bench):
    owner = job(bench)
    key = (owner.access_key, owner.secret_key)
    bench.context.blobs.create_bucket("private")
    bench.context.blobs.put("private", "x", [b"classified"])
    bench.context.blobs.put("data", "x", [b"classified"])
    for method, path in (
        ("GET", "/private/x"), ("GET", "/data/x"), ("PUT", "/data/x"), ("DELETE", "/data/x"), ("GET", "/"),
        ("GET", "/data/out/mine/../../x"), ("GET", "/data/out/mine/%2e%2e/%2e%2e/x"), ("PUT", "/data/out/mine-not/x"),
    ):  # fmt: skip
        answer = bench.call(bench.signed(b"", method=method, path=path, service="s3", key=key))
        assert answer.status in (403, 404), (method, path)
        assert b"classified" not in answer.body
    assert bench.call(bench.signed(b"y", method="PUT", path="/data/out/mine/y", service="s3", key=key)).status == 200
    sneaked = {"x-amz-copy-source": "/private/x"}
    copied = bench.signed(b"", method="PUT", path="/data/out/mine/z", service="s3", key=key, headers=sneaked)
    assert bench.call(copied).status == 403


@pytest.mark.parametrize(
    "name", ["ListTrainingJobs", "CreateTrainingJob", "StopTrainingJob", "DeleteTrainingJob", "Search"]
)
def test_a_jobs_key_is_for_no_api(bench, name):
    owner = job(bench)
    answer = bench.call(bench.api(name, b'{"TrainingJobName":"mine"}', key=(owner.access_key, owner.secret_key)))
    assert (answer.status, code_of(answer)) == (400, "AccessDeniedException")


def test_a_jobs_key_ends_with_the_job(bench):
    owner = job(bench)
    sent = bench.signed(b"y", method="PUT", path="/data/out/mine/y", service="s3", key=("ASIAJOB", "secret-of-job"))
    assert bench.call(sent).status == 200
    bench.context.jobs.stop(JobKind.TRAINING, owner.name)
    sent = bench.signed(b"z", method="PUT", path="/data/out/mine/z", service="s3", key=("ASIAJOB", "secret-of-job"))
    assert b"InvalidAccessKeyId" in bench.call(sent).body


def test_a_revoked_key_is_refused_at_the_next_request(bench, tmp_path):
    sent = bench.api("ListTrainingJobs")
    assert bench.call(sent).status == 200
    elsewhere = Keys(tmp_path / "keys.json")
    elsewhere.add("second")
    elsewhere.revoke("default")
    assert code_of(bench.call(sent)) == "UnrecognizedClientException"


def test_what_is_a_fault_of_ours_is_told_by_its_id_alone(bench, caplog):
    """Not by what was in the way."""
    broken = Gateway(bench.context, bench.keys, S3Door(None, bench.clock, "us-east-1"), bench.gateway.invocations)
    answer = replace(bench, gateway=broken).call(bench.signed(b"", method="GET", path="/data/k", service="s3"))
    broken.close()
    assert (answer.status, b"<Code>Internal" in answer.body) == (500, True)
    assert b"NoneType" not in answer.body
    assert answer.headers["x-amz-request-id"] in caplog.text
