"""Between HTTP's headers and the records of the blobs."""

import base64
import binascii
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import format_datetime

from naiad.service.blobs.checksums import ALGORITHMS
from naiad.service.blobs.port import ALWAYS, DEFAULT_CONTENT_TYPE, BlobInfo, Condition
from naiad.service.domain.errors import NotServed
from naiad.service.gateway.request import Request
from naiad.service.gateway.s3.errors import S3Error, bad_argument

_META = "x-amz-meta-"
_CHECKSUM = "x-amz-checksum-"
_KEPT = ("cache-control", "content-disposition", "content-encoding", "content-language", "expires")
_MOST_METADATA_BYTES = 2048
_NOT_SERVED = (
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-tagging",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-retain-until-date",
    "x-amz-write-offset-bytes",
)

_NOT_FOR_DELETE = (
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "x-amz-if-match-last-modified-time",
    "x-amz-if-match-size",
)


@dataclass(frozen=True)
class Attributes:
    """What is kept with an object because its request's headers say it."""

    content_type: str
    metadata: Mapping[str, str]
    headers: Mapping[str, str]


def attributes(request: Request) -> Attributes:
    """Raises NotServed for headers whose promise would be broken silently, S3Error for too much metadata."""
    for name in _NOT_SERVED:
        if name in request.headers:
            raise NotServed(f"{name} is not served")
    metadata = {name.removeprefix(_META): value for name, value in request.headers.items() if name.startswith(_META)}
    if sum(len(name) + len(value) for name, value in metadata.items()) > _MOST_METADATA_BYTES:
        raise S3Error("MetadataTooLarge", 400, f"metadata is larger than {_MOST_METADATA_BYTES} bytes")
    kept = {name: value for name in _KEPT if (value := request.header(name))}
    encodings = [name.strip() for name in kept.pop("content-encoding", "").split(",")]
    encoding = ",".join(name for name in encodings if name and name != "aws-chunked")
    if encoding:
        kept["content-encoding"] = encoding
    return Attributes(request.header("content-type") or DEFAULT_CONTENT_TYPE, metadata, kept)


class Expected(Mapping[str, str]):
    """Checksums by algorithm: their names now, those in trailers only once the body has ended. Raises S3Error then."""

    def __init__(self, request: Request, said: Mapping[str, str], in_trailers: frozenset[str]) -> None:
        self._request, self._said, self._in_trailers = request, said, in_trailers

    def __getitem__(self, name: str) -> str:
        if name not in self._in_trailers:
            return self._said[name]
        value = self._request.trailers.get(_CHECKSUM + name)
        if value is None:
            raise S3Error("MalformedTrailerError", 400, f"the trailer {_CHECKSUM}{name} was announced and did not come")
        return value

    def __iter__(self) -> Iterator[str]:
        return iter({*self._said, *self._in_trailers})

    def also(self, name: str) -> "Expected":
        """With one more that is only to be taken."""
        return Expected(self._request, {**self._said, name: ""}, self._in_trailers)

    def __len__(self) -> int:
        return len({*self._said, *self._in_trailers})


def expected_checksums(request: Request) -> Expected:
    """From Content-MD5, x-amz-checksum-… and the trailers that x-amz-trailer announces."""
    said = {name: value for name in ALGORITHMS if (value := request.header(_CHECKSUM + name))}
    if "content-md5" in request.headers:
        said["md5"] = _checked_md5(request.header("content-md5"))
    announced = {name.strip().lower().removeprefix(_CHECKSUM) for name in request.header("x-amz-trailer").split(",")}
    in_trailers = frozenset(announced & set(ALGORITHMS)) - set(said)
    chosen = request.header("x-amz-sdk-checksum-algorithm").lower()
    if chosen in ALGORITHMS and chosen not in in_trailers:
        said.setdefault(chosen, "")
    return Expected(request, said, in_trailers)


def said_checksums(request: Request) -> dict[str, str]:
    """Those of the headers alone, as CompleteMultipartUpload has them."""
    return {name: value for name in ALGORITHMS if (value := request.header(_CHECKSUM + name))}


def condition(request: Request) -> Condition:
    """Of a write. Raises NotServed for If-None-Match with an ETag."""
    none_match, match = request.header("if-none-match"), request.header("if-match")
    if none_match and none_match != "*":
        raise NotServed("if-none-match of a write is * or nothing")
    if not none_match and not match:
        return ALWAYS
    return Condition(if_none_match="*" if none_match else None, if_match=unquoted(match) if match else None)


def delete_condition(request: Request) -> Condition:
    """Raises NotServed for the conditions that AWS has for directory buckets alone."""
    for name in _NOT_FOR_DELETE:
        if request.header(name):
            raise NotServed(f"{name} of a deletion is not served; give if-match")
    return etag_condition(request.header("if-match"))


def etag_condition(etag: str) -> Condition:
    return Condition(if_match=unquoted(etag)) if etag else ALWAYS


def object_headers(info: BlobInfo) -> dict[str, str]:
    return {
        "content-type": info.content_type,
        "content-length": str(info.size),
        "etag": f'"{info.etag}"',
        "last-modified": http_date(info.modified_at),
        "accept-ranges": "bytes",
        **info.headers,
        **{_META + name: value for name, value in info.metadata.items()},
    }


def checksum_headers(checksums: Mapping[str, str]) -> dict[str, str]:
    if not checksums:
        return {}
    return {_CHECKSUM + name: value for name, value in checksums.items()} | {
        "x-amz-checksum-type": checksum_type(checksums)
    }


def checksum_type(checksums: Mapping[str, str]) -> str:
    return "COMPOSITE" if any("-" in value for value in checksums.values()) else "FULL_OBJECT"


def http_date(at: dt.datetime) -> str:
    return format_datetime(at.astimezone(dt.UTC).replace(microsecond=0), usegmt=True)


def unquoted(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')


def _checked_md5(value: str) -> str:
    try:
        size = len(base64.b64decode(value, validate=True))
    except binascii.Error:
        size = 0
    if size != 16:
        raise S3Error("InvalidDigest", 400, "content-md5 is not the base64 of 16 bytes")
    return value


def algorithm_of(request: Request) -> str | None:
    """Of a multipart upload. Raises S3Error for one that is not known."""
    name = request.header("x-amz-checksum-algorithm").lower()
    if name and name not in ALGORITHMS:
        raise bad_argument(f"x-amz-checksum-algorithm {name[:20]!r} is not one of {', '.join(ALGORITHMS)}")
    return name or None
