"""Roles: every name is one, SageMaker may assume it, and it may do everything."""

import json
from urllib.parse import unquote


def test_any_role_trusts_sagemaker(api):
    role = api.call("iam", "GetRole", RoleName="any-name")["Role"]
    assert role["Arn"].endswith(":role/any-name")
    (statement,) = json.loads(unquote(role["AssumeRolePolicyDocument"]))["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_every_action_is_allowed_on_every_resource(api):
    request = {
        "PolicySourceArn": "arn:aws:iam::000000000000:role/naiad",
        "ActionNames": ["s3:PutObject", "s3:GetObject"],
    }
    without_resources = api.call("iam", "SimulatePrincipalPolicy", **request)["EvaluationResults"]
    assert [(each["EvalActionName"], each["EvalResourceName"]) for each in without_resources] == [
        ("s3:PutObject", "*"),
        ("s3:GetObject", "*"),
    ]
    both = api.call("iam", "SimulatePrincipalPolicy", **request, ResourceArns=["a", "b"])["EvaluationResults"]
    assert len(both) == 4
    assert {each["EvalDecision"] for each in without_resources + both} == {"allowed"}
