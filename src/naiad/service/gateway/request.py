"""A request as the rooms behind the door see it: parsed, and signed by somebody known."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from naiad.service.domain.job import Job


@dataclass(frozen=True)
class Principal:
    """Who signed. A job's program may reach only what its job was given."""

    access_key: str
    name: str
    """The key's name, or the job's."""
    job: Job | None = None


@dataclass(frozen=True)
class Request:
    method: str
    raw_path: str
    """As it was sent, still percent-encoded, without the query."""
    query: tuple[tuple[str, str], ...]
    """Decoded, in order; ``?acl`` gives ("acl", "")."""
    headers: Mapping[str, str]
    """Names in lower case."""
    principal: Principal
    body: AsyncIterator[bytes]
    """Decoded of aws-chunked, checked against the signed digest as it passes: the last item may raise Denied or Invalid."""
    request_id: str
    trailers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case. Filled when ``body`` has come to its end: headers that followed an aws-chunked body."""

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes | AsyncIterator[bytes] = b""
