"""From a signed call to its handler."""

import json
from dataclasses import replace

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind, Need
from naiad.service.gateway.dispatch import changes_something, dispatch
from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.request import Principal
from naiad.service.gateway.route import Route

LIST = Route("sagemaker", "json", "ListTrainingJobs")
FORM = Route("iam", "form")


def called(bench, route, body):
    answer = dispatch(bench.context, route, body, "id-1")
    return answer.status, answer.body.decode()


def test_json_and_forms_come_to_their_handlers(bench):
    bench = replace(bench, context=replace(bench.context, principal=Principal("AKIA", "default")))
    assert called(bench, LIST, b"{}") == (200, '{"TrainingJobSummaries":[]}')
    assert called(bench, LIST, b"") == (200, '{"TrainingJobSummaries":[]}')
    status, text = called(bench, Route("sts", "form"), b"Action=GetCallerIdentity&Version=2011-06-15")
    assert (status, "assumed-role/naiad/default" in text) == (200, True)


@pytest.mark.parametrize(
    "body",
    [b"[", b"[" * 100_000, b'{"a":' * 100_000, b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{}{}", b'{"a":\x00}'],
    ids=lambda body: repr(body[:12]),
)
def test_bodies_that_are_no_object(bench, body):
    status, text = called(bench, LIST, body)
    assert (status, json.loads(text)["__type"]) == (400, "ValidationException")


@pytest.mark.parametrize(
    "body",
    [
        b'{"MaxResults": NaN}', b'{"MaxResults": Infinity}', b'{"MaxResults": 1e400}', b'{"MaxResults": true}',
        b'{"MaxResults": 0}', b'{"MaxResults": 1.5}', b'{"MaxResults": [1]}',
        b'{"MaxResults": ' + b"9" * 5_000 + b"}", b'{"MaxResults": ' + b"9" * 4_000 + b"}",
        b'{"CreationTimeAfter": 1e300}', b'{"CreationTimeAfter": NaN}', b'{"CreationTimeAfter": ' + b"9" * 400 + b"}",
        b'{"CreationTimeAfter": {}}', b'{"CreationTimeAfter": "0000-00-00"}', b'{"CreationTimeAfter": -1e15}',
        b'{"NameContains": "a\\u0000b"}', b'{"NameContains": "\\ud800"}', b'{"NextToken": "\\ud800"}',
        b'{"NextToken": "bm8="}', b'{"NextToken": ""}', b'{"StatusEquals": {"a": 1}}',
    ],
    ids=lambda body: repr(body[:30]),
)  # fmt: skip
def test_values_that_are_none(bench, body):
    status, text = called(bench, LIST, body)
    assert (status, json.loads(text)["__type"]) == (400, "ValidationException"), text


def test_the_last_of_two_alike_keys_counts_and_is_checked(bench):
    assert called(bench, LIST, b'{"MaxResults": "x", "MaxResults": 1}')[0] == 200
    assert called(bench, LIST, b'{"MaxResults": 1, "MaxResults": "x"}')[0] == 400


@pytest.mark.parametrize("body", [b"\xff", b"&" * 3_000 + b"a=b&" * 3_000, b"Action=", b"", b"Action=__class__"])
def test_forms_that_are_none(bench, body):
    status, text = called(bench, FORM, body)
    assert status == 400
    assert text.startswith("<ErrorResponse>")


def test_a_long_list_in_a_form_is_read_in_time(bench):
    names = "&".join(f"ActionNames.member.{place}=s3:Get" for place in range(1, 1_900))
    body = f"Action=SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::000000000000:role/naiad&{names}"
    assert called(bench, FORM, body.encode())[0] in (200, 400)


def test_what_is_not_served(bench):
    for route in (
        Route("sagemaker", "json", "CreateDomain"),
        Route("sagemaker", "json", "NoSuch"),
        Route("logs", "json"),
    ):
        status, text = called(bench, route, b"{}")
        assert (status, json.loads(text)["__type"]) == (400, "UnknownOperationException")


def test_a_jobs_program_may_call_next_to_nothing(bench):
    now = bench.clock.now()
    owner = Job(JobKind.TRAINING, "mine", "us-east-1", {}, Need(1, 1, 1), now, now)
    bench = replace(bench, context=replace(bench.context, principal=Principal("ASIA", "mine", owner)))
    for service, name in OPERATIONS:
        protocol = "form" if service in ("iam", "sts") else "json"
        body = f"Action={name}".encode() if protocol == "form" else b"{}"
        _, text = called(bench, Route(service, protocol, name), body)
        allowed = (service, name) in (("sts", "GetCallerIdentity"), ("sagemaker-metrics", "BatchPutMetrics"))
        assert ("AccessDenied" in text) != allowed, (service, name, text)


def test_what_changes_something():
    assert not changes_something(LIST, b"")
    assert not changes_something(FORM, b"Action=GetRole")
    for name in ("CreateTrainingJob", "StopTrainingJob", "AddTags", "DeleteTags", "UpdateTrainingJob", ""):
        assert changes_something(Route("sagemaker", "json", name), b"")
    assert changes_something(FORM, b"Action=PutMetricData")
    with pytest.raises(Invalid):
        changes_something(FORM, b"\xff")
