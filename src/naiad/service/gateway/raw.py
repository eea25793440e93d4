"""A request as it came in: nothing of it is believed yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote


@dataclass(frozen=True)
class RawRequest:
    method: str
    path: str
    """Percent-encoded, as sent."""
    query_string: str
    """Percent-encoded, as sent; without the question mark."""
    headers: Mapping[str, str]
    """Names in lower case; what came more than once is joined by commas."""

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Decoded, in order."""
        pairs = [part.partition("=") for part in self.query_string.split("&") if part]
        return tuple((unquote(name), unquote(value)) for name, _, value in pairs)

    @cached_property
    def asked(self) -> dict[str, str]:
        """The query by name; the first value of each."""
        return dict(reversed(self.query))

    def header(self, name: str) -> str:
        return self.headers.get(name, "")
