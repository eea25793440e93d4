"""Roles: every name is one, SageMaker may take it, and it may do everything."""

import importlib
import json
from urllib.parse import unquote

importlib.import_module("naiad.service.gateway.operations.iam")


def test_any_role_trusts_sagemaker(door):
    role = door.call("iam", "GetRole", RoleName="any-name")["Role"]
    assert role["Arn"].endswith(":role/any-name")
    (statement,) = json.loads(unquote(role["AssumeRolePolicyDocument"]))["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_every_action_is_allowed_on_every_resource(door):
    asked = {"PolicySourceArn": "arn:aws:iam::000000000000:role/naiad", "ActionNames": ["s3:PutObject", "s3:GetObject"]}
    plain = door.call("iam", "SimulatePrincipalPolicy", **asked)["EvaluationResults"]
    assert [(each["EvalActionName"], each["EvalResourceName"]) for each in plain] == [
        ("s3:PutObject", "*"),
        ("s3:GetObject", "*"),
    ]
    both = door.call("iam", "SimulatePrincipalPolicy", **asked, ResourceArns=["a", "b"])["EvaluationResults"]
    assert len(both) == 4
    assert {each["EvalDecision"] for each in plain + both} == {"allowed"}
