"""Requests made by hand: a head signed by botocore, sent with any body over a plain socket."""

import contextlib
import datetime as dt
import hashlib
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from naiad.home import ServerAddress

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class HandmadeClient:
    address: ServerAddress

    @property
    def host(self) -> str:
        return urlsplit(self.address.url).netloc

    def connect(self) -> socket.socket:
        name, port = self.host.split(":")
        return socket.create_connection((name, int(port)), timeout=TIMEOUT_S)

    def exchange(self, data: bytes, *, until_end: bool = False) -> bytes:
        """Sends everything and returns the first bytes of the answer; b"" where the connection ends without one.

        ``until_end``: reads on to the end of the connection, which the request asks to be closed.
        """
        with self.connect() as connection:
            with contextlib.suppress(OSError):  # it may answer and close before everything is sent
                connection.sendall(data)
            try:
                first = connection.recv(65_536)
                while until_end and connection.recv(2**20):
                    pass
            except OSError:
                return b""
            return first

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        service: str = "s3",
        headers: Mapping[str, str] | None = None,
        digest: str | None = None,
        key: tuple[str, str] | None = None,
        sent: bytes | None = None,
    ) -> bytes:
        """Returns a signed request. ``sent``: the bytes after the head, where they are not the body itself."""
        auth = self._auth(S3SigV4Auth if service == "s3" else SigV4Auth, service, key)
        request = AWSRequest(method, f"{self.address.url}{path}", data=body, headers=headers or {})
        request.context["timestamp"] = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        request.headers["X-Amz-Date"], request.headers["Host"] = request.context["timestamp"], self.host
        if service == "s3":
            request.headers["x-amz-content-sha256"] = digest or hashlib.sha256(body).hexdigest()
        canonical = auth.canonical_request(request)
        names = auth.signed_headers(auth.headers_to_sign(request))
        signature = auth.signature(auth.string_to_sign(request, canonical), request)
        scope = auth.scope(request)
        authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"
        more = [("Authorization", authorization)]
        if sent is None:
            more.append(("Content-Length", str(len(body))))
        return head(method, path, [*request.headers.items(), *more]) + (body if sent is None else sent)

    def presigned_path(self, method: str, path: str, *, service: str = "s3", key: tuple[str, str] | None = None) -> str:
        request = AWSRequest(method, f"{self.address.url}{path}")
        self._auth(S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth, service, key, expires=600).add_auth(request)
        return request.prepare().url.removeprefix(self.address.url)

    def _auth(self, kind: type, service: str, key: tuple[str, str] | None, **options: int) -> SigV4Auth:
        credentials = Credentials(*(key or (self.address.access_key, self.address.secret_key)))
        return kind(credentials, service, self.address.region, **options)


def head(method: str, target: str, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunked(data: bytes, size: int) -> bytes:
    """Returns the body in HTTP's chunks of ``size`` bytes."""
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
