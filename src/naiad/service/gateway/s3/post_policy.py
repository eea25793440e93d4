"""The policy of a POST: until when a form is accepted, and which fields it may have."""

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from naiad.service.gateway.s3.errors import S3Error

_EXPIRATION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_NEEDS_NO_CONDITION = frozenset({"awsaccesskeyid", "signature", "x-amz-signature", "policy", "file"})
_FREE_PREFIXES = ("x-ignore-", "x-amz-checksum-")
"""Beginnings of fields that need no condition: those that do not count, and those that only guard the content."""
_MAX_LENGTH = 2**50


@dataclass(frozen=True)
class PostPolicy:
    expires_at: dt.datetime
    conditions: tuple[tuple[str, str, str], ...]
    """(``eq`` or ``starts-with``, field in lower case, value)."""
    min_bytes: int
    max_bytes: int | None

    def check(self, fields: Mapping[str, str], now: dt.datetime) -> None:
        """``fields``: those of the form with the bucket, names in lower case. Raises S3Error."""
        if now > self.expires_at:
            raise _denied("Policy expired")
        for operator, name, value in self.conditions:
            actual = fields.get(name, "")
            if not (actual == value if operator == "eq" else actual.startswith(value)):
                raise _denied(f'Policy Condition failed: ["{operator}", "${name}", "{value}"]')
        covered = {name for _, name, _ in self.conditions} | _NEEDS_NO_CONDITION
        extra = sorted(name for name in fields if name not in covered and not name.startswith(_FREE_PREFIXES))
        if extra:
            raise _denied(f"Extra input fields: {', '.join(extra)}")


def parse_policy(text: str) -> PostPolicy:
    """``text``: JSON in base64. Raises S3Error."""
    try:
        document = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("it is not JSON in base64") from None
    if not isinstance(document, dict) or not isinstance(document.get("conditions"), list):
        raise _invalid("it has no list of conditions")
    expiration = document.get("expiration")
    if not isinstance(expiration, str) or not _EXPIRATION.fullmatch(expiration):
        raise _invalid("expiration is a time like 2030-01-01T12:00:00Z")
    try:
        expires_at = dt.datetime.fromisoformat(expiration)
    except ValueError:
        raise _invalid(f"there is no time {expiration[:40]!r}") from None
    min_bytes, max_bytes, conditions = 0, None, []
    for operator, *values in _rows(document["conditions"]):
        if operator == "content-length-range":
            min_bytes, max_bytes = map(_length, _two(values))
        elif operator in ("eq", "starts-with"):
            name, value = _two(values)
            if not isinstance(name, str) or not name.startswith("$") or not isinstance(value, str):
                raise _invalid(f"a condition {operator} has a $field and a text")
            conditions.append((operator, name[1:].lower(), value))
        else:
            raise _invalid(f"{operator[:40]!r} is not a condition: there are eq, starts-with and content-length-range")
    return PostPolicy(expires_at, tuple(conditions), min_bytes, max_bytes)


def _rows(conditions: list[Any]) -> Iterator[tuple[Any, ...]]:
    """Yields (operator in lower case, values …); {"field": "value"} is a condition eq."""
    for condition in conditions:
        if isinstance(condition, dict) and condition:
            yield from (("eq", f"${name}", value) for name, value in condition.items())
        elif isinstance(condition, list) and condition and isinstance(condition[0], str):
            yield (condition[0].lower(), *condition[1:])
        else:
            raise _invalid("a condition is an object with a field, or a list that begins with its kind")


def _two(values: list[Any]) -> list[Any]:
    if len(values) != 2:
        raise _invalid("a condition has two values after its kind")
    return values


def _length(value: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,16}", text) or int(text) > _MAX_LENGTH:
        raise _invalid("content-length-range has two numbers of bytes")
    return int(text)


def _invalid(reason: str) -> S3Error:
    return S3Error("InvalidPolicyDocument", 400, f"the policy of the form cannot be used: {reason}")


def _denied(reason: str) -> S3Error:
    return S3Error("AccessDenied", 403, f"Invalid according to Policy: {reason}")
