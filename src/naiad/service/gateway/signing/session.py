"""Temporary credentials, as STS gives them. Nothing is stored: the token says whose key they come from and until when.

The secret of a session is made from its token and the secret of that key, so that nobody else can make or change one, and a
session ends with its key.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import secrets
import string
from dataclasses import dataclass

from naiad.service.gateway.http.request import Request

_ALPHABET = string.ascii_uppercase + "234567"
_TOKEN_HEADER = "x-amz-security-token"  # noqa: S105  # reason: a header's name
_TOKEN_PARAMS = ("X-Amz-Security-Token", "x-amz-security-token")
"""Parameters of presigned URLs, of version 4 and 2."""
_MAX_TOKEN = 4096


@dataclass(frozen=True)
class Session:
    access_key: str
    permanent_key: str
    """The access key of the user, or of the job, whose session it is."""
    expires_at: dt.datetime
    role: str
    """The assumed role; "" where the session is the user's own."""
    name: str
    token: str = ""

    def secret_key(self, permanent_secret: str) -> str:
        """``permanent_secret``: the secret of the permanent key."""
        digest = hmac.new(permanent_secret.encode(), f"session {self.token}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest)[:40].decode()


def new_session(permanent_key: str, expires_at: dt.datetime, *, role: str = "", name: str = "") -> Session:
    """``expires_at`` is cut to a whole second."""
    expires_at = expires_at.replace(microsecond=0)
    access_key = "ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16))
    fields = [access_key, permanent_key, int(expires_at.timestamp()), role, name]
    token = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
    return Session(access_key, permanent_key, expires_at, role, name, token)


def parse_session(token: str) -> Session | None:
    """Returns what a token says, unverified; None for one that this server did not give."""
    if not token.isascii() or len(token) > _MAX_TOKEN:
        return None
    try:
        access_key, permanent_key, expires_s, role, name = json.loads(
            base64.b64decode(token, altchars=b"-_", validate=True)
        )
        expires_at = dt.datetime.fromtimestamp(expires_s, dt.UTC)
    except (binascii.Error, ValueError, TypeError, OverflowError, OSError, RecursionError):
        return None
    texts = (access_key, permanent_key, role, name)
    return Session(*texts[:2], expires_at, *texts[2:], token) if all(isinstance(text, str) for text in texts) else None


def session_token(request: Request) -> str | None:
    """Returns the token in a header or in a presigned URL."""
    token = request.headers.get(_TOKEN_HEADER)
    if token is not None or not request.query_string:
        return token
    params = request.query_params
    return next((params[name] for name in _TOKEN_PARAMS if name in params), None)
