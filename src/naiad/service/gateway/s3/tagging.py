"""Tags of objects: GetObjectTagging, PutObjectTagging, DeleteObjectTagging, and the header x-amz-tagging."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.errors import S3Error, malformed_xml
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import MAX_SMALL_BYTES, Node, element

MAX_OBJECT_TAGS = 10
MAX_BUCKET_TAGS = 50
_MAX_KEY, _MAX_VALUE = 128, 256
_TEXT = re.compile(r"[\w\s+\-=.:/@]*")


async def get_object_tagging(call: S3Call) -> Response:
    tags = await call.threads.run(lambda: call.blobs.tags(call.bucket, call.key))
    return xml_response(element("Tagging", tag_set(tags.items())))


async def put_object_tagging(call: S3Call) -> Response:
    tags = parse_tag_set(await call.read_xml(MAX_SMALL_BYTES), max_tags=MAX_OBJECT_TAGS)
    await call.threads.run(lambda: call.blobs.set_tags(call.bucket, call.key, tags))
    return Response(200, {})


async def delete_object_tagging(call: S3Call) -> Response:
    await call.threads.run(lambda: call.blobs.set_tags(call.bucket, call.key, {}))
    return Response(204, {})


def parse_tag_header(text: str) -> dict[str, str]:
    """``text``: tags in the form of a query, key=value&…; Raises S3Error."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        raise invalid_tag("the tags are not of the form key=value&key=value, URL-encoded in UTF-8") from None
    return check_tags(pairs, max_tags=MAX_OBJECT_TAGS)


def parse_tag_set(root: Node, *, max_tags: int) -> dict[str, str]:
    """Reads a Tagging document. Raises S3Error."""
    sets = root.all("TagSet")
    if root.name != "Tagging" or len(sets) != 1:
        raise malformed_xml(f"the body is {root.name}, not Tagging with one TagSet")
    rows = [(row.value("Key"), row.value("Value")) for row in sets[0].all("Tag")]
    return check_tags([(key or "", value or "") for key, value in rows], max_tags=max_tags)


def check_tags(pairs: Iterable[tuple[str, str]], *, max_tags: int) -> dict[str, str]:
    """Returns the tags. Raises S3Error for too many, a repeated key, or a text that AWS does not allow."""
    tags: dict[str, str] = {}
    for key, value in pairs:
        if key in tags:
            raise invalid_tag(f"the tag {key[:40]!r} is given twice")
        if not 1 <= len(key) <= _MAX_KEY or len(value) > _MAX_VALUE:
            raise invalid_tag(
                f"the tag {key[:40]!r}: a key has 1 to {_MAX_KEY} characters, a value at most {_MAX_VALUE}"
            )
        if not _TEXT.fullmatch(key) or not _TEXT.fullmatch(value) or key.lower().startswith("aws:"):
            raise invalid_tag(
                f"the tag {key[:40]!r}: letters, digits, spaces and + - = . _ : / @ are allowed, and no aws:"
            )
        tags[key] = value
    if len(tags) > max_tags:
        raise invalid_tag(f"{len(tags)} tags are given: at most {max_tags} are allowed")
    return tags


def tag_set(tags: Iterable[tuple[str, str]]) -> Node:
    return element("TagSet", *(element("Tag", element("Key", key), element("Value", value)) for key, value in tags))


def invalid_tag(message: str) -> S3Error:
    return S3Error("InvalidTag", 400, message)
