"""Inputs parsed by AWS's shapes."""

import datetime as dt

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.protocol.parser import from_form, from_json
from naiad.service.gateway.protocol.service_models import operation_model

AT = dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def test_json_times_are_epoch_seconds_and_null_is_left_out():
    shape = operation_model("sagemaker", "ListTrainingJobs").input_shape
    request = from_json(shape, {"CreationTimeAfter": AT.timestamp(), "MaxResults": 3, "NameContains": None, "New": 1})
    assert request == {"CreationTimeAfter": AT, "MaxResults": 3}
    with pytest.raises(Invalid, match="is no time"):
        from_json(shape, {"CreationTimeAfter": "yesterday"})


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
