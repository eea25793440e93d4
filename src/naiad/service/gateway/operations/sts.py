"""STS: the identity of the caller. Every key belongs to the one account."""

from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.signing.authenticator import Principal

_ROLE = "naiad"


@operation("sts", "GetCallerIdentity")
def get_caller_identity(principal: Principal, request: Shape) -> Shape:  # noqa: ARG001  # reason: the form of a handler
    """Shows the caller as an assumed role: the SageMaker SDK reads the role's name in the ARN, and rejects that of a user."""
    arn = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{_ROLE}/{principal.name}"
    return {"UserId": principal.access_key, "Account": ACCOUNT_ID, "Arn": arn}
