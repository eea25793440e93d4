"""Parses the input of an operation from JSON or a form, driven by the shapes of AWS's service models.

Timestamps become datetimes, blobs become bytes. Checks only that a value can be read; ``validate.py`` checks the rest.
"""

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl, unquote

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.protocol.service_models import wire_name

MAX_FORM_BYTES = 128 * 1024
_MAX_FORM_FIELDS = 2_000
_MAX_ACTION_NAME = 3 * len("Action")
"""Each letter of a name may be written as a percent sign and two digits."""
_MAX_ACTION = 512
_MAX_JSON_VALUES = 50_000
"""Far more than any call has. A body of more takes Python's parser so long that no other thread runs meanwhile."""
_JSON_TOKEN = re.compile(rb'[,\[{]|"(?:[^"\\]++|\\.)*+(?:"|\Z)', re.DOTALL)
"""A sign before a value, or a text. A text that is never closed ends with the body, so that nothing is looked at twice."""
_QUOTE = ord('"')
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
"""Floats that JSON has no number for, as AWS's protocols spell them."""


def load_json(body: bytes) -> dict[str, Any]:
    """Raises Invalid for a body that is no JSON object, or has too many values."""
    if _has_too_many_values(body):
        raise Invalid(f"the body has more than {_MAX_JSON_VALUES:,} values")
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Invalid("the body is not JSON") from None
    if not isinstance(value, dict):
        raise Invalid("the body is not a JSON object")
    return value


def _has_too_many_values(body: bytes) -> bool:
    """Counts about as many values as a text in JSON has. Other threads run meanwhile, as they do not while JSON is parsed."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") <= _MAX_JSON_VALUES:
        return False
    count = 0
    for token in _JSON_TOKEN.finditer(body):
        count += body[token.start()] != _QUOTE
        if count > _MAX_JSON_VALUES:
            return True
    return False


def load_form(body: bytes) -> dict[str, str]:
    """Raises Invalid for a body that is no form."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FORM_FIELDS))
    except ValueError:
        raise Invalid("the body is not a form") from None


def form_action(body: bytes) -> str:
    """Returns the operation that a form names, as ``load_form`` has it, and decodes nothing else: used on the event loop.

    Returns "" for a name longer than that of any operation. Raises Invalid for a body that is no form.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Invalid("the body is not a form") from None
    if text.count("&") >= _MAX_FORM_FIELDS:
        raise Invalid("the body is not a form")
    action = ""
    for field in text.split("&"):
        name, _, value = field.partition("=")
        if len(name) <= _MAX_ACTION_NAME and unquote(name.replace("+", " ")) == "Action":
            action = value
    return unquote(action.replace("+", " ")) if len(action) <= _MAX_ACTION else ""


def from_json(shape: Any, value: Any) -> Any:
    """Leaves out members that the shape does not know, and null. Raises Invalid for a value that cannot be read."""
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            members = ((name, value.get(wire_name(shape, name))) for name in shape.members)
            return {name: from_json(shape.members[name], member) for name, member in members if member is not None}
        case "list" if isinstance(value, list):
            return [from_json(shape.member, item) for item in value]
        case "map" if isinstance(value, Mapping):
            return {str(key): from_json(shape.value, item) for key, item in value.items()}
    return _parse_json_scalar(shape.type_name, value)


def _parse_json_scalar(type_name: str, value: Any) -> Any:
    match type_name:
        case "timestamp":
            return _parse_timestamp(value)
        case "blob":
            return _parse_blob(value)
        case "float" | "double" if isinstance(value, str) and value in _NOT_FINITE:
            return float(value)
    return value


def from_form(shape: Any, form: Mapping[str, str], prefix: str = "") -> Any:
    """Reads the query protocol: ``Name=…``, ``List.member.1=…``, ``Structure.Name=…``. Returns None where nothing is given."""
    match shape.type_name:
        case "structure":
            start = f"{prefix}." if prefix else ""
            members = ((name, from_form(shape.members[name], form, start + name)) for name in shape.members)
            return {name: value for name, value in members if value is not None} or ({} if not prefix else None)
        case "list":
            items = (from_form(shape.member, form, f"{prefix}.member.{number}") for number in range(1, len(form) + 2))
            return _take_until_none(items) or None
        case "map":
            return None  # no operation that is served takes a map in a form
    text = form.get(prefix)
    return None if text is None else _parse_scalar(shape.type_name, text)


def _take_until_none(items: Iterable[Any]) -> list[Any]:
    return list(takewhile(lambda item: item is not None, items))


def _parse_scalar(type_name: str, text: str) -> Any:
    match type_name:
        case "integer" | "long":
            return int(text) if _INTEGER.fullmatch(text) else text
        case "float" | "double":
            try:
                return float(text)
            except ValueError:
                return text
        case "boolean":
            return text == "true"
        case "timestamp":
            return _parse_timestamp(text)
    return text


def _parse_timestamp(value: Any) -> dt.datetime:
    try:
        if isinstance(value, str):
            time = dt.datetime.fromisoformat(value)
            return time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
        return dt.datetime.fromtimestamp(value, dt.UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise Invalid(f"{str(value)[:40]!r} is no time") from None


def _parse_blob(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Invalid("a blob is not in base64") from None
