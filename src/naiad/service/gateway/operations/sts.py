"""sts: who am I. Every key is the one account's."""

from typing import Any

from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.gateway.operation import Context, operation

_ROLE = "naiad"


@operation("sts", "GetCallerIdentity")
def get_caller_identity(context: Context, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # reason: a handler's form
    """As a role that has been assumed: the SageMaker SDK finds the role's name in it, and refuses a user's ARN."""
    arn = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{_ROLE}/{context.principal.name}"
    return {"UserId": context.principal.access_key, "Account": ACCOUNT_ID, "Arn": arn}
