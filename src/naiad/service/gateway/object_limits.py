"""The limits of a key on objects, held in requests that have the server read or write objects for it: jobs, models, endpoints.

Every text of a request that is the address of an object counts, wherever it stands, so that no place can be forgotten.
"""

import json
from collections.abc import Iterator
from typing import Any

from naiad.service.contract.s3_uri import is_s3_uri, parse_s3_uri
from naiad.service.domain.errors import AccessDenied
from naiad.service.gateway.signing.authenticator import Principal

_FOLDER_MEMBER = "S3OutputPath"
"""The member whose address is a folder, with a slash at its end or not."""
_MANIFEST = ("S3DataType", "ManifestFile")


def check_request(principal: Principal, request: Any) -> None:
    """Raises AccessDenied where a key with limits names an object beyond them, or a manifest, which may name any object."""
    if not principal.limits:
        return
    for member, text in _texts(request, ""):
        if (member, text) == _MANIFEST:
            raise AccessDenied(f"a manifest may name any object; {_limits(principal)}: give an S3Prefix")
        if is_s3_uri(text):
            check_uri(principal, f"{text.rstrip('/')}/" if member == _FOLDER_MEMBER else text)


def check_uri(principal: Principal, text: str) -> None:
    """``text``: the address of an object, or of all objects whose keys begin with it; "" is none.

    Raises AccessDenied; Invalid where it is no address.
    """
    if not principal.limits or not text:
        return
    uri = parse_s3_uri(text, at="an address")
    if not any(limit.covers(uri.bucket, uri.key) for limit in principal.limits):
        raise AccessDenied(f"{uri} is beyond the reach of this key: {_limits(principal)}")


def _limits(principal: Principal) -> str:
    return f"the key {principal.name} reaches {', '.join(map(str, principal.limits))} only"


def _texts(value: Any, member: str) -> Iterator[tuple[str, str]]:
    """Yields (name of the member, text) of each text, and of each that stands inside of another as JSON."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, name)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, member)
    elif isinstance(value, str):
        yield member, value
        quoted = _unquote(value)
        if quoted is not None:
            yield member, quoted


def _unquote(text: str) -> str | None:
    """Returns the text of a JSON text, as hyperparameters hold them; None for anything else."""
    if not text.strip().startswith('"'):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, str) else None
