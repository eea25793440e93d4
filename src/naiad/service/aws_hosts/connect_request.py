"""The head of a request to the proxy: parsed where it is CONNECT, an error with its reason for everything else."""

import re
from dataclasses import dataclass

MAX_HEAD_BYTES = 8 * 1024
HEAD_END = b"\r\n\r\n"
_LINE = re.compile(rb"([A-Z]{1,16}) ([\x21-\x7e]{1,1024}) HTTP/1\.[01]")
_HOST_PORT = re.compile(
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?)):([0-9]{1,5})"
)
_REASONS = {400: "Bad Request", 405: "Method Not Allowed", 431: "Request Header Fields Too Large"}
_REASONS |= {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True)
class HostPort:
    host: str
    """Lower case, without brackets and without a dot at its end."""
    port: int


class ProxyError(Exception):
    """A request that the proxy does not serve, with the status of its response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def response(self) -> bytes:
        text = f"naiad: {self}\n".encode("utf-8", "replace")
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}", "content-type: text/plain; charset=utf-8"]
        lines += [f"content-length: {len(text)}", "connection: close"]
        lines += ["allow: CONNECT"] if self.status == 405 else []
        return "\r\n".join(lines).encode() + HEAD_END + text


def parse_connect(head: bytes) -> HostPort:
    """Raises ProxyError."""
    match = _LINE.fullmatch(head.partition(b"\r\n")[0])
    if match is None:
        raise ProxyError(
            400, "this is a proxy for CONNECT, and the request is not HTTP/1.1; point only HTTPS_PROXY at it"
        )
    method, target = (group.decode("ascii") for group in match.groups())
    if method != "CONNECT":
        raise ProxyError(
            405, f"{method} {target[:80]}: only CONNECT is served here; point HTTPS_PROXY at this port, not HTTP_PROXY"
        )
    return _parse_host_port(target)


def _parse_host_port(text: str) -> HostPort:
    match = _HOST_PORT.fullmatch(text)
    if match is None or not 1 <= int(match[3]) <= 65535:
        raise ProxyError(400, f"CONNECT takes HOST:PORT, given {text[:80]!r}")
    return HostPort((match[1] or match[2]).lower().rstrip("."), int(match[3]))
