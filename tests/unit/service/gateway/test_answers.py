"""Answers in the form of each protocol."""

import json
from xml.etree import ElementTree as ET

import pytest

from naiad.service.domain.errors import DoesNotFit, Invalid, NotFound, Unavailable
from naiad.service.gateway.answers import answered, failed
from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.route import Route

JSON = Route("sagemaker", "json", "ListTrainingJobs")
REST = Route("sagemaker-metrics", "rest", "BatchPutMetrics")
FORM = Route("sts", "form", "GetCallerIdentity")


def test_an_output_in_json():
    answer = answered(JSON, {"TrainingJobSummaries": [], "NextToken": None}, "id-1")
    assert json.loads(answer.body) == {"TrainingJobSummaries": []}
    assert answer.headers == {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "id-1"}
    assert answered(Route("cloudwatch", "json", "ListMetrics"), {}, "i").headers["content-type"].endswith("json-1.0")
    assert answered(REST, {}, "i").headers["content-type"] == "application/json"


def test_an_operation_without_an_output():
    assert answered(Route("sagemaker", "json", "StopTrainingJob"), {}, "id").body == b"{}"


def test_an_output_in_xml():
    answer = answered(FORM, {"Account": "1", "Arn": "<&>", "UserId": "u"}, "id-1")
    root = ET.fromstring(answer.body)
    space = "{https://sts.amazonaws.com/doc/2011-06-15/}"
    assert root.tag == f"{space}GetCallerIdentityResponse"
    assert root.findtext(f"{space}GetCallerIdentityResult/{space}Arn") == "<&>"
    assert root.findtext(f"{space}ResponseMetadata/{space}RequestId") == "id-1"


def test_an_error_in_json():
    answer = failed(JSON, NotFound("could not find it", hint="look elsewhere"), "id-1")
    text = "could not find it; look elsewhere"
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert json.loads(answer.body) == {"__type": "ValidationException", "message": text, "Message": text}
    assert set(json.loads(failed(REST, Invalid("no"), "i").body)) == {"Message"}


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (Refused("unknown key", "who & <you>?"), 403, "Sender", "InvalidClientTokenId"),
        (Unavailable("later"), 503, "Receiver", "ServiceUnavailable"),
        (DoesNotFit("too large"), 400, "Sender", "ResourceLimitExceeded"),
    ],
)
def test_an_error_in_xml(error, status, kind, code):
    answer = failed(FORM, error, "id-1")
    root = ET.fromstring(answer.body)
    assert answer.status == status
    assert (root.findtext("Error/Type"), root.findtext("Error/Code")) == (kind, code)
    assert root.findtext("Error/Message") == str(error)
    assert root.findtext("RequestId") == "id-1"
