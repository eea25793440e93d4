"""Who am I: a role that the SageMaker SDK can take."""

import importlib

from naiad.service.domain.job import ACCOUNT

importlib.import_module("naiad.service.gateway.operations.sts")
importlib.import_module("naiad.service.gateway.operations.iam")


def test_a_role_that_iam_knows(door):
    said = door.call("sts", "GetCallerIdentity")
    assert said == {"UserId": "AKIA", "Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/naiad/main"}
    role = said["Arn"].split("/")[1]
    assert door.call("iam", "GetRole", RoleName=role)["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/naiad"
