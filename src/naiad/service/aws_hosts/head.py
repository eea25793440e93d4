"""The head of a request to the proxy: a target for CONNECT, a refusal with its reason for all else."""

import re
from dataclasses import dataclass

MOST_BYTES = 8 * 1024
END = b"\r\n\r\n"
_LINE = re.compile(rb"([A-Z]{1,16}) ([\x21-\x7e]{1,1024}) HTTP/1\.[01]")
_TARGET = re.compile(
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?)):([0-9]{1,5})"
)
_REASONS = {400: "Bad Request", 405: "Method Not Allowed", 431: "Request Header Fields Too Large"}
_REASONS |= {502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True)
class Target:
    host: str
    """In lower case, without brackets and without a dot at its end."""
    port: int


class Refusal(Exception):
    """``status``: of the proxy's answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def answer(self) -> bytes:
        text = f"naiad: {self}\n".encode("utf-8", "replace")
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}", "content-type: text/plain; charset=utf-8"]
        lines += [f"content-length: {len(text)}", "connection: close"]
        lines += ["allow: CONNECT"] if self.status == 405 else []
        return "\r\n".join(lines).encode() + END + text


def target_of(head: bytes) -> Target:
    """Raises Refusal."""
    match = _LINE.fullmatch(head.partition(b"\r\n")[0])
    if match is None:
        raise Refusal(400, "this is a proxy for CONNECT, and the request is not HTTP/1.1; point only HTTPS_PROXY at it")
    method, target = (part.decode("ascii") for part in match.groups())
    if method != "CONNECT":
        raise Refusal(
            405, f"{method} {target[:80]}: only CONNECT is served here; point HTTPS_PROXY at this port, not HTTP_PROXY"
        )
    return _parsed(target)


def _parsed(target: str) -> Target:
    match = _TARGET.fullmatch(target)
    if match is None or not 1 <= int(match[3]) <= 65535:
        raise Refusal(400, f"CONNECT takes HOST:PORT, given {target[:80]!r}")
    return Target((match[1] or match[2]).lower().rstrip("."), int(match[3]))
