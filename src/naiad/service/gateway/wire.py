"""Values between the wire and Python, driven by the shapes of AWS's models: JSON, forms and XML.

Timestamps are datetimes here, epoch seconds in JSON and ISO 8601 in XML; blobs are bytes here and base64 there.
"""

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.spec import wire_name


def from_json(shape: Any, value: Any) -> Any:
    """Members that the shape does not know are passed over, and so is null. Raises Invalid for a value that cannot be read."""
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            known = ((name, value.get(wire_name(shape, name))) for name in shape.members)
            return {name: from_json(shape.members[name], given) for name, given in known if given is not None}
        case "list" if isinstance(value, list):
            return [from_json(shape.member, item) for item in value]
        case "map" if isinstance(value, Mapping):
            return {str(key): from_json(shape.value, item) for key, item in value.items()}
        case "timestamp":
            return _time(value)
        case "blob":
            return _bytes(value)
    return value


def to_json(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {
                wire_name(shape, name): to_json(shape.members[name], value[name])
                for name in shape.members
                if value.get(name) is not None
            }
        case "list":
            return [to_json(shape.member, item) for item in value]
        case "map":
            return {key: to_json(shape.value, item) for key, item in value.items()}
        case "timestamp":
            return round(value.timestamp(), 3)
        case "blob":
            return base64.b64encode(value).decode()
    return value


def from_form(shape: Any, form: Mapping[str, str], prefix: str = "") -> Any:
    """Of the query protocol: ``Name=…``, ``List.member.1=…``, ``Structure.Name=…``. None where nothing was given."""
    match shape.type_name:
        case "structure":
            start = f"{prefix}." if prefix else ""
            members = ((name, from_form(shape.members[name], form, start + name)) for name in shape.members)
            return {name: value for name, value in members if value is not None} or ({} if not prefix else None)
        case "list":
            items = (from_form(shape.member, form, f"{prefix}.member.{place}") for place in range(1, len(form) + 2))
            return _until_none(items) or None
        case "map":
            return None  # no operation that is served takes one in a form
    text = form.get(prefix)
    return None if text is None else _scalar(shape.type_name, text)


def to_xml(shape: Any, value: Any, name: str) -> str:
    match shape.type_name:
        case "structure":
            inner = "".join(
                to_xml(shape.members[member], value[member], wire_name(shape, member))
                for member in shape.members
                if value.get(member) is not None
            )
        case "list":
            inner = "".join(to_xml(shape.member, item, "member") for item in value)
        case "map":
            inner = "".join(
                f"<entry><key>{escape(key)}</key>{to_xml(shape.value, item, 'value')}</entry>"
                for key, item in value.items()
            )
        case "timestamp":
            inner = f"{value.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
        case "boolean":
            inner = "true" if value else "false"
        case _:
            inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def _until_none(items: Any) -> list[Any]:
    found = []
    for item in items:
        if item is None:
            break
        found.append(item)
    return found


def _scalar(kind: str, text: str) -> Any:
    match kind:
        case "integer" | "long":
            return int(text) if text.lstrip("-").isdecimal() else text
        case "float" | "double":
            try:
                return float(text)
            except ValueError:
                return text
        case "boolean":
            return text == "true"
        case "timestamp":
            return _time(text)
    return text


def _time(value: Any) -> dt.datetime:
    try:
        if isinstance(value, str):
            read = dt.datetime.fromisoformat(value)
            return read if read.tzinfo is not None else read.replace(tzinfo=dt.UTC)
        return dt.datetime.fromtimestamp(value, dt.UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise Invalid(f"{str(value)[:40]!r} is no time") from None


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Invalid("a blob is not in base64") from None
