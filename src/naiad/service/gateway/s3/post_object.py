"""POST Object: a browser's form uploads a file, under a policy that a key's owner has signed."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from naiad.service.blobs.names import check_key
from naiad.service.domain.errors import Invalid
from naiad.service.gateway.http.form_data import Form
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.errors import S3Error, invalid_argument, malformed_xml
from naiad.service.gateway.s3.post_policy import PostPolicy
from naiad.service.gateway.s3.s3_call import XML, check_header_value
from naiad.service.gateway.s3.tagging import MAX_OBJECT_TAGS, parse_tag_set
from naiad.service.gateway.s3.xml import element, parse_xml, to_xml

_HEADERS = frozenset(
    {"cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"}
)
"""Fields of the form that are headers of the object, besides x-amz-…"""
_NOT_HEADERS = frozenset(
    {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token"}
)
_REDIRECT = re.compile(r"https?://[^\s\x00-\x1f]+")


@dataclass(frozen=True)
class PostedFile:
    """A form that its policy allows, as the PutObject that it stands for."""

    bucket: str
    key: str
    put_request: Request
    content: AsyncIterator[bytes]
    success_status: str
    success_url: str

    def response(self, put_response: Response) -> Response:
        """Returns what the browser gets after ``put_response``, a success."""
        etag = put_response.headers["etag"]
        kept = {name: value for name, value in put_response.headers.items() if name != "content-length"}
        headers = {**kept, "location": self._location}
        if self.success_url:
            query = urlencode({"bucket": self.bucket, "key": self.key, "etag": etag}, quote_via=quote)
            separator = "&" if "?" in self.success_url else "?"
            return Response(303, {**headers, "location": f"{self.success_url}{separator}{query}"})
        if self.success_status == "201":
            rows = {"Location": self._location, "Bucket": self.bucket, "Key": self.key, "ETag": etag}
            document = element("PostResponse", *(element(name, value) for name, value in rows.items()))
            return Response(201, {**headers, **XML}, to_xml(document))
        return Response(200 if self.success_status == "200" else 204, headers)

    @property
    def _location(self) -> str:
        return f"http://{self.put_request.header('host')}/{self.bucket}/{quote(self.key)}"


def read_posted_file(request: Request, bucket: str, form: Form, policy: PostPolicy) -> PostedFile:
    """``request``: its path is path-style. Raises S3Error for a form that cannot be an object."""
    key = posted_key(form)
    headers = {"host": request.header("host"), **_object_headers(form)}
    put_request = replace(request, method="PUT", path=f"/{bucket}/{quote(key)}", query_string="", headers=headers)
    url = form.fields.get("success_action_redirect") or form.fields.get("redirect", "")
    return PostedFile(
        bucket,
        key,
        put_request,
        _check_length(form.content, policy),
        form.fields.get("success_action_status", ""),
        url if _REDIRECT.fullmatch(url) and url.isascii() else "",
    )


def posted_key(form: Form) -> str:
    """Raises S3Error, Invalid."""
    key = form.fields.get("key", "").replace("${filename}", form.file_name)
    if not key:
        raise invalid_argument("Bucket POST must contain a field named 'key'")
    return check_key(key)  # at once: the file's name may stand in it thousands of times


def _object_headers(form: Form) -> dict[str, str]:
    headers = {
        name: check_header_value(name, value)
        for name, value in form.fields.items()
        if name in _HEADERS or (name.startswith("x-amz-") and name not in _NOT_HEADERS)
    }
    if "acl" in form.fields:
        headers["x-amz-acl"] = check_header_value("acl", form.fields["acl"])
    if "tagging" in form.fields:
        headers["x-amz-tagging"] = _tag_header(form.fields["tagging"])
    return headers


def _tag_header(text: str) -> str:
    try:
        root = parse_xml(text.encode())
    except Invalid as error:
        raise malformed_xml(f"the field tagging: {error}") from error
    return urlencode(parse_tag_set(root, max_tags=MAX_OBJECT_TAGS), quote_via=quote)


async def _check_length(content: AsyncIterator[bytes], policy: PostPolicy) -> AsyncIterator[bytes]:
    """Yields the content. Raises S3Error as soon as it is longer than the policy allows, or at its end if it is shorter."""
    size = 0
    async for data in content:
        size += len(data)
        if policy.max_bytes is not None and size > policy.max_bytes:
            raise S3Error("EntityTooLarge", 400, f"the file is larger than the {policy.max_bytes} bytes of the policy")
        yield data
    if size < policy.min_bytes:
        raise S3Error("EntityTooSmall", 400, f"the file is smaller than the {policy.min_bytes} bytes of the policy")
