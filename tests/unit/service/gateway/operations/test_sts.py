"""The identity of the caller: a role that the SageMaker SDK can assume."""

from naiad.service.domain.job import ACCOUNT_ID


def test_a_role_that_iam_knows(api):
    identity = api.call("sts", "GetCallerIdentity")
    assert identity == {
        "UserId": "AKIA",
        "Account": ACCOUNT_ID,
        "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/naiad/main",
    }
    role = identity["Arn"].split("/")[1]
    assert api.call("iam", "GetRole", RoleName=role)["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:role/naiad"
