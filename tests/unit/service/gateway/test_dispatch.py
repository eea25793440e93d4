"""Dispatch of verified calls."""

import json

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.domain.scope import ALL_SCOPES
from naiad.service.gateway.dispatch import dispatch, is_change
from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.protocol.route import Route
from naiad.service.gateway.signing.authenticator import Principal

LIST = Route("sagemaker", "json", "ListTrainingJobs")
QUERY = Route("iam", "query")
USER = Principal("AKIA", "default", scopes=ALL_SCOPES)


def call(client, route, body, principal=USER):
    """Returns (the status, the body)."""
    response = dispatch(client.services, principal, route, body, "id-1")
    return response.status, response.body.decode()


def test_json_and_forms_reach_their_handlers(client):
    assert call(client, LIST, b"{}") == (200, '{"TrainingJobSummaries":[]}')
    assert call(client, LIST, b"") == (200, '{"TrainingJobSummaries":[]}')
    status, text = call(client, Route("sts", "query"), b"Action=GetCallerIdentity&Version=2011-06-15")
    assert (status, "assumed-role/naiad/default" in text) == (200, True)


@pytest.mark.parametrize(
    "body",
    [b"[", b"[" * 100_000, b'{"a":' * 100_000, b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{}{}", b'{"a":\x00}'],
    ids=lambda body: repr(body[:12]),
)
def test_bodies_that_are_no_json_object(client, body):
    status, text = call(client, LIST, body)
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
def test_invalid_values(client, body):
    status, text = call(client, LIST, body)
    assert (status, json.loads(text)["__type"]) == (400, "ValidationException"), text


def test_the_last_of_two_equal_keys_counts_and_is_validated(client):
    assert call(client, LIST, b'{"MaxResults": "x", "MaxResults": 1}')[0] == 200
    assert call(client, LIST, b'{"MaxResults": 1, "MaxResults": "x"}')[0] == 400


@pytest.mark.parametrize("body", [b"\xff", b"&" * 3_000 + b"a=b&" * 3_000, b"Action=", b"", b"Action=__class__"])
def test_invalid_forms(client, body):
    status, text = call(client, QUERY, body)
    assert status == 400
    assert text.startswith("<ErrorResponse>")


def test_a_long_list_in_a_form_is_read_in_time(client):
    names = "&".join(f"ActionNames.member.{place}=s3:Get" for place in range(1, 1_900))
    body = f"Action=SimulatePrincipalPolicy&PolicySourceArn=arn:aws:iam::000000000000:role/naiad&{names}"
    assert call(client, QUERY, body.encode())[0] in (200, 400)


def test_operations_that_are_not_served(client):
    for route in (
        Route("sagemaker", "json", "CreateDomain"),
        Route("sagemaker", "json", "NoSuch"),
        Route("logs", "json"),
    ):
        status, text = call(client, route, b"{}")
        assert (status, json.loads(text)["__type"]) == (400, "UnknownOperationException")


RUN_OPERATIONS = {
    *("CreateExperiment", "DescribeExperiment", "CreateTrial", "DescribeTrial"),
    *("CreateTrialComponent", "DescribeTrialComponent", "UpdateTrialComponent", "ListTrialComponents"),
    *("AssociateTrialComponent", "CreateArtifact", "AddAssociation", "Search"),
    *("DescribeTrainingJob", "DescribeProcessingJob", "DescribeTransformJob"),
}


def test_a_jobs_program_may_call_few_operations(client):
    now = client.clock.now()
    job = Job(JobKind.TRAINING, "mine", "us-east-1", {}, ResourceRequest(1, 1, 1), now, now)
    program = Principal("ASIA", "mine", job)
    for service, name in OPERATIONS:
        protocol = "query" if service in ("iam", "sts") else "json"
        body = f"Action={name}".encode() if protocol == "query" else b"{}"
        _, text = call(client, Route(service, protocol, name), body, program)
        is_allowed = service == "sts" or (service, name) == ("sagemaker-metrics", "BatchPutMetrics")
        is_allowed |= service == "sagemaker" and name in RUN_OPERATIONS
        assert ("AccessDenied" in text) != is_allowed, (service, name, text)


def test_operations_that_change_something():
    assert not is_change(LIST, b"")
    assert not is_change(QUERY, b"Action=GetRole")
    for name in ("CreateTrainingJob", "StopTrainingJob", "AddTags", "DeleteTags", "UpdateTrainingJob", ""):
        assert is_change(Route("sagemaker", "json", name), b"")
    assert is_change(QUERY, b"Action=PutMetricData")
    with pytest.raises(Invalid):
        is_change(QUERY, b"\xff")
