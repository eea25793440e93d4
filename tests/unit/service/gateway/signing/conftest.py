"""Requests that botocore signs, and their verification."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.signing.signature import VerifiedSignature
from naiad.service.gateway.signing.verify import verify


class Signer:
    """Signs as botocore's client does, and verifies as the gateway does."""

    access_key, secret_key, host = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "127.0.0.1:8128"
    credentials = Credentials(access_key, secret_key)

    def secret_of(self, access_key: str) -> str | None:
        return self.secret_key if access_key == self.access_key else None

    def sign(
        self,
        method: str = "POST",
        target: str = "/",
        body: bytes = b"{}",
        *,
        service: str = "sagemaker",
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        headers = {"Host": self.host, **(headers or {})}
        request = AWSRequest(method, f"http://{self.host}{target}", data=body, headers=headers)
        auth = S3SigV4Auth if service == "s3" else SigV4Auth
        auth(self.credentials, service, "us-east-1").add_auth(request)
        return self.as_received(request)

    def presign(self, *, expires_s: int = 60) -> Request:
        request = AWSRequest("GET", f"http://{self.host}/data/key")
        S3SigV4QueryAuth(self.credentials, "s3", "us-east-1", expires=expires_s).add_auth(request)
        return self.as_received(request)

    def presign_v2(self) -> Request:
        request = AWSRequest("GET", f"http://{self.host}/data/key")
        HmacV1QueryAuth(self.credentials, expires=60).add_auth(request)
        return self.as_received(request)

    def as_received(self, request: AWSRequest) -> Request:
        """Returns the request as the server receives it."""
        parts = urlsplit(request.prepare().url)
        headers = {name.lower(): value for name, value in request.headers.items()}
        return Request(request.method, parts.path, parts.query, {"host": self.host, **headers})

    def change(self, request: Request, **values: object) -> Request:
        fields = ("method", "path", "query_string", "headers")
        return Request(**{**{name: getattr(request, name) for name in fields}, **values})

    def verify(
        self, request: Request, body: bytes = b"{}", *, later: dt.timedelta = dt.timedelta(0)
    ) -> VerifiedSignature:
        """Verifies at the time of the signature, or later."""
        return self.verify_at(request, self.signing_time(request) + later, body)

    def verify_at(self, request: Request, now: dt.datetime, body: bytes = b"") -> VerifiedSignature:
        return verify(request, self.secret_of, now, body_hash=hashlib.sha256(body).hexdigest())

    def signing_time(self, request: Request) -> dt.datetime:
        text = request.header("x-amz-date") or request.query_params["X-Amz-Date"]
        return dt.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()
