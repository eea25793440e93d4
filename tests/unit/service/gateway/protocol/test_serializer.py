"""Outputs and errors in each of AWS's protocols."""

import datetime as dt
import json
import math
from xml.etree import ElementTree as ET

import pytest

from naiad.service.domain.errors import Invalid, LimitExceeded, NotFound, Unavailable
from naiad.service.gateway.protocol.parser import from_json
from naiad.service.gateway.protocol.route import Route
from naiad.service.gateway.protocol.serializer import serialize_error, serialize_output, to_json, to_xml
from naiad.service.gateway.protocol.service_models import operation_model
from naiad.service.gateway.rejection import RequestRejected

JSON = Route("sagemaker", "json", "ListTrainingJobs")
REST = Route("sagemaker-metrics", "rest-json", "BatchPutMetrics")
QUERY = Route("sts", "query", "GetCallerIdentity")
AT = dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def test_an_output_in_json():
    response = serialize_output(JSON, {"TrainingJobSummaries": [], "NextToken": None}, "id-1")
    assert json.loads(response.body) == {"TrainingJobSummaries": []}
    assert response.headers == {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "id-1"}
    assert (
        serialize_output(Route("cloudwatch", "json", "ListMetrics"), {}, "i")
        .headers["content-type"]
        .endswith("json-1.0")
    )
    assert serialize_output(REST, {}, "i").headers["content-type"] == "application/json"


def test_numbers_that_are_not_finite_are_texts_as_at_aws():
    values = [math.nan, math.inf, -math.inf, 0.5]
    metrics = [{"MetricName": "loss", "Value": value, "Timestamp": AT} for value in values]
    output = {"TrainingJobName": "j", "FinalMetricDataList": metrics}
    body = serialize_output(Route("sagemaker", "json", "DescribeTrainingJob"), output, "i").body
    read = json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert [one["Value"] for one in read["FinalMetricDataList"]] == ["NaN", "Infinity", "-Infinity", 0.5]
    shape = operation_model("sagemaker-metrics", "BatchPutMetrics").input_shape
    sent = {"TrialComponentName": "a", "MetricData": [{"MetricName": "m", "Timestamp": 0, "Value": "Infinity"}]}
    assert from_json(shape, sent)["MetricData"][0]["Value"] == math.inf


def test_an_error_of_cloudwatch_has_the_code_of_the_query_protocol():
    response = serialize_error(Route("cloudwatch", "json", "GetMetricStatistics"), Invalid("no"), "i")
    assert response.headers["x-amzn-query-error"] == "InvalidParameterValue;Sender"
    assert "x-amzn-query-error" not in serialize_error(JSON, Invalid("no"), "i").headers


def test_an_operation_without_an_output():
    assert serialize_output(Route("sagemaker", "json", "StopTrainingJob"), {}, "id").body == b"{}"


def test_an_output_in_xml():
    response = serialize_output(QUERY, {"Account": "1", "Arn": "<&>", "UserId": "u"}, "id-1")
    root = ET.fromstring(response.body)
    space = "{https://sts.amazonaws.com/doc/2011-06-15/}"
    assert root.tag == f"{space}GetCallerIdentityResponse"
    assert root.findtext(f"{space}GetCallerIdentityResult/{space}Arn") == "<&>"
    assert root.findtext(f"{space}ResponseMetadata/{space}RequestId") == "id-1"


def test_an_error_in_json():
    response = serialize_error(JSON, NotFound("could not find it", hint="look elsewhere"), "id-1")
    text = "could not find it; look elsewhere"
    assert (response.status, response.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert json.loads(response.body) == {"__type": "ValidationException", "message": text, "Message": text}
    assert set(json.loads(serialize_error(REST, Invalid("no"), "i").body)) == {"Message"}


@pytest.mark.parametrize(
    ("error", "status", "fault", "code"),
    [
        (RequestRejected("unknown key", "who & <you>?"), 403, "Sender", "InvalidClientTokenId"),
        (Unavailable("later"), 503, "Receiver", "ServiceUnavailable"),
        (LimitExceeded("too large"), 400, "Sender", "ResourceLimitExceeded"),
    ],
)
def test_an_error_in_xml(error, status, fault, code):
    response = serialize_error(QUERY, error, "id-1")
    root = ET.fromstring(response.body)
    assert response.status == status
    assert (root.findtext("Error/Type"), root.findtext("Error/Code")) == (fault, code)
    assert root.findtext("Error/Message") == str(error)
    assert root.findtext("RequestId") == "id-1"


def test_json_values():
    shape = operation_model("sagemaker", "ListTrainingJobs").output_shape
    summary = {"TrainingJobName": "a", "TrainingJobArn": "arn", "CreationTime": AT, "TrainingJobStatus": "Failed"}
    output = to_json(shape, {"TrainingJobSummaries": [summary], "NextToken": None})
    assert output == {"TrainingJobSummaries": [{**summary, "CreationTime": AT.timestamp()}]}


def test_xml_is_escaped():
    shape = operation_model("iam", "GetRole").output_shape
    role = {"RoleName": "<&>", "Path": "/", "RoleId": "i", "Arn": "a", "CreateDate": AT}
    text = to_xml(shape, {"Role": role}, "GetRoleResult")
    assert "<RoleName>&lt;&amp;&gt;</RoleName>" in text
    assert "<CreateDate>2030-01-02T03:04:05Z</CreateDate>" in text
