"""iam: what the SageMaker SDK asks about roles. There are no roles here: every name is one, and may do everything."""

import datetime as dt
import json
from typing import Any
from urllib.parse import quote

from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.gateway.operation import Context, operation

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_MADE_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@operation("iam", "GetRole")
def get_role(context: Context, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # reason: a handler's form
    name = asked["RoleName"]
    return {
        "Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROANAIADNAIADNAIADNA",
            "Arn": f"arn:aws:iam::{ACCOUNT_ID}:role/{name}",
            "CreateDate": _MADE_AT,
            "AssumeRolePolicyDocument": quote(json.dumps(_TRUST)),
        }
    }


@operation("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(context: Context, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # reason: as above
    results = [
        {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": "allowed"}
        for action in asked["ActionNames"]
        for resource in asked.get("ResourceArns", ["*"])
    ]
    return {"EvaluationResults": results, "IsTruncated": False}
