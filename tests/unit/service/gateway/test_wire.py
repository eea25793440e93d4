"""Values between the wire and Python."""

import datetime as dt

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.spec import operation_model
from naiad.service.gateway.wire import from_form, from_json, to_json, to_xml

AT = dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def test_json_times_are_epoch_seconds_and_null_is_nothing():
    shape = operation_model("sagemaker", "ListTrainingJobs").input_shape
    asked = from_json(shape, {"CreationTimeAfter": AT.timestamp(), "MaxResults": 3, "NameContains": None, "New": 1})
    assert asked == {"CreationTimeAfter": AT, "MaxResults": 3}
    with pytest.raises(Invalid, match="is no time"):
        from_json(shape, {"CreationTimeAfter": "yesterday"})


def test_json_answers():
    shape = operation_model("sagemaker", "ListTrainingJobs").output_shape
    summary = {"TrainingJobName": "a", "TrainingJobArn": "arn", "CreationTime": AT, "TrainingJobStatus": "Failed"}
    answer = to_json(shape, {"TrainingJobSummaries": [summary], "NextToken": None})
    assert answer == {"TrainingJobSummaries": [{**summary, "CreationTime": AT.timestamp()}]}


def test_forms_have_lists_and_structures():
    shape = operation_model("iam", "SimulatePrincipalPolicy").input_shape
    form = {
        "PolicySourceArn": "arn",
        "ActionNames.member.1": "s3:Get",
        "ActionNames.member.2": "s3:Put",
        "ContextEntries.member.1.ContextKeyName": "k",
        "MaxItems": "7",
    }
    assert from_form(shape, form) == {
        "PolicySourceArn": "arn",
        "ActionNames": ["s3:Get", "s3:Put"],
        "ContextEntries": [{"ContextKeyName": "k"}],
        "MaxItems": 7,
    }


def test_xml_is_escaped():
    shape = operation_model("iam", "GetRole").output_shape
    role = {"RoleName": "<&>", "Path": "/", "RoleId": "i", "Arn": "a", "CreateDate": AT}
    text = to_xml(shape, {"Role": role}, "GetRoleResult")
    assert "<RoleName>&lt;&amp;&gt;</RoleName>" in text
    assert "<CreateDate>2030-01-02T03:04:05Z</CreateDate>" in text
