"""The parameter encoding-type of listings: url-encoded keys, for characters that XML cannot hold."""

from dataclasses import dataclass
from urllib.parse import quote

from naiad.service.gateway.s3.errors import invalid_argument
from naiad.service.gateway.s3.s3_call import S3Call
from naiad.service.gateway.s3.xml import Node, element


@dataclass(frozen=True)
class KeyEncoding:
    is_url: bool

    def encode(self, key: str) -> str:
        return quote(key, safe="/") if self.is_url else key

    @property
    def node(self) -> Node | None:
        return element("EncodingType", "url") if self.is_url else None


def key_encoding(call: S3Call) -> KeyEncoding:
    """Raises S3Error for another encoding than url."""
    name = call.query_param("encoding-type")
    if name not in (None, "", "url"):
        raise invalid_argument(f"encoding-type {name[:20]!r}: give url")
    return KeyEncoding(name == "url")
