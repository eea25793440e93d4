"""STS: the identity of the caller, and temporary credentials. Every key and every role belongs to the one account."""

import datetime as dt
import re

from naiad.service.domain.clock import Clock
from naiad.service.domain.errors import Invalid, NotServed
from naiad.service.domain.job import ACCOUNT_ID
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.gateway.signing.session import Session, new_session

_ROLE = "naiad"
_ROLE_ID = "AROANAIADNAIADNAIADNA"
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/(?:[\x21-\x7e]+/)?(?P<name>[\w+=,.@-]{1,64})", re.ASCII)
_ROLE_SESSION_S, _USER_SESSION_S = 3600, 12 * 3600
"""How long a session lasts unless the request says."""


@operation("sts", "GetCallerIdentity")
def get_caller_identity(principal: Principal, request: Shape) -> Shape:  # noqa: ARG001  # reason: the form of a handler
    """Shows the caller as an assumed role: the SageMaker SDK reads the role's name in the ARN, and rejects that of a user."""
    session = principal.session
    if session is None or not session.role:
        return {
            "UserId": principal.permanent_key,
            "Account": ACCOUNT_ID,
            "Arn": _assumed_role_arn(_ROLE, principal.name),
        }
    return {
        "UserId": f"{_ROLE_ID}:{session.name}",
        "Account": ACCOUNT_ID,
        "Arn": _assumed_role_arn(session.role, session.name),
    }


@operation("sts", "AssumeRole", not_served="Policy; PolicyArns; MFA devices; session tags have no effect")
def assume_role(clock: Clock, principal: Principal, request: Shape) -> Shape:
    """Gives credentials that may do what the caller may: there are no policies. Raises Invalid, NotServed."""
    match = _ROLE_ARN.fullmatch(request["RoleArn"])
    if match is None:
        raise Invalid(
            f"RoleArn {request['RoleArn'][:80]!r} is not the ARN of a role, arn:aws:iam::{ACCOUNT_ID}:role/NAME"
        )
    for name in ("Policy", "PolicyArns"):
        if request.get(name):
            raise NotServed(f"{name} of AssumeRole is not served: a session may do all that its key may; leave it out")
    _check_no_device(request)
    name = request["RoleSessionName"]
    seconds = request.get("DurationSeconds", _ROLE_SESSION_S)
    session = _new_session(principal, clock, seconds, role=match["name"], name=name)
    output = {
        "Credentials": _credentials(principal, session),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{_ROLE_ID}:{name}",
            "Arn": _assumed_role_arn(match["name"], name),
        },
    }
    return output | ({"SourceIdentity": request["SourceIdentity"]} if "SourceIdentity" in request else {})


@operation("sts", "GetSessionToken", not_served="MFA devices")
def get_session_token(clock: Clock, principal: Principal, request: Shape) -> Shape:
    """Raises NotServed."""
    _check_no_device(request)
    session = _new_session(principal, clock, request.get("DurationSeconds", _USER_SESSION_S))
    return {"Credentials": _credentials(principal, session)}


def _new_session(principal: Principal, clock: Clock, seconds: int, *, role: str = "", name: str = "") -> Session:
    """Returns a session of the caller's permanent key; one that a session makes does not outlive it."""
    expires_at = clock.now() + dt.timedelta(seconds=seconds)
    if principal.session is not None:
        expires_at = min(expires_at, principal.session.expires_at)
    return new_session(principal.permanent_key, expires_at, role=role, name=name)


def _credentials(principal: Principal, session: Session) -> Shape:
    return {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret_key(principal.permanent_secret),
        "SessionToken": session.token,
        "Expiration": session.expires_at,
    }


def _check_no_device(request: Shape) -> None:
    if "SerialNumber" in request or "TokenCode" in request:
        raise NotServed("keys have no MFA devices here: leave out SerialNumber and TokenCode")


def _assumed_role_arn(role: str, session_name: str) -> str:
    return f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/{session_name}"
