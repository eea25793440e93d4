"""IAM, as far as the SageMaker SDK asks about roles. There are no roles here: every name is one, and may do what its key may."""

import datetime as dt
import json
from urllib.parse import quote

from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.gateway.operation import Shape, operation

_TRUST_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_CREATED_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@operation(
    "iam",
    "GetRole",
    not_served="every name is a role that trusts SageMaker",
)
def get_role(request: Shape) -> Shape:
    name = request["RoleName"]
    return {
        "Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROANAIADNAIADNAIADNA",
            "Arn": f"arn:aws:iam::{ACCOUNT_ID}:role/{name}",
            "CreateDate": _CREATED_AT,
            "AssumeRolePolicyDocument": quote(json.dumps(_TRUST_POLICY)),
        }
    }


@operation(
    "iam",
    "SimulatePrincipalPolicy",
    not_served="every action is allowed: there are no policies, and the scopes of keys are not looked at",
)
def simulate_principal_policy(request: Shape) -> Shape:
    results = [
        {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": "allowed"}
        for action in request["ActionNames"]
        for resource in request.get("ResourceArns", ["*"])
    ]
    return {"EvaluationResults": results, "IsTruncated": False}
