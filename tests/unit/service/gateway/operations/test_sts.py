"""Who am I: a role that the SageMaker SDK can take."""

import importlib

from naiad.service.domain.job import ACCOUNT_ID

importlib.import_module("naiad.service.gateway.operations.sts")
importlib.import_module("naiad.service.gateway.operations.iam")


def test_a_role_that_iam_knows(door):
    said = door.call("sts", "GetCallerIdentity")
    assert said == {
        "UserId": "AKIA",
        "Account": ACCOUNT_ID,
        "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/naiad/main",
    }
    role = said["Arn"].split("/")[1]
    assert door.call("iam", "GetRole", RoleName=role)["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:role/naiad"
