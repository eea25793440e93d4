"""Validates an input against AWS's model: required members, types, ranges, lengths, enums and patterns, in AWS's sentences."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from naiad.service.domain.errors import Invalid

_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (Mapping,),
    "map": (Mapping,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "blob": (bytes,),
}
_MAX_LISTED = 10


def validate(shape: Any, value: Mapping[str, Any], *, also_allowed: Mapping[str, frozenset[str]] | None = None) -> None:
    """Raises Invalid with a list of all problems. ``also_allowed``: further values of enums, by the name of their shape."""
    problems = list(_problems(shape, value, "", also_allowed or {}))
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected"
        raise Invalid(f"{count}: {'; '.join(problems[:_MAX_LISTED])}")


def _problems(shape: Any, value: Any, path: str, also: Mapping[str, frozenset[str]]) -> Iterator[str]:
    expected = _TYPES.get(shape.type_name)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)):
        yield _sentence(value, path, f"Member must be of type {shape.type_name}")
        return
    match shape.type_name:
        case "structure":
            yield from _structure_problems(shape, value, path, also)
        case "list":
            yield from _length_problems(shape, value, path)
            for number, item in enumerate(value, 1):
                yield from _problems(shape.member, item, f"{path}.{number}.member", also)
        case "map":
            yield from _length_problems(shape, value, path)
            for key, item in value.items():
                yield from _problems(shape.key, key, f"{path}.{key}.key", also)
                yield from _problems(shape.value, item, f"{path}.{key}.member", also)
        case "string":
            yield from _text_problems(shape, value, path, also)
        case "integer" | "long" | "float" | "double":
            yield from _range_problems(shape, value, path)


def _structure_problems(
    shape: Any, value: Mapping[str, Any], path: str, also: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _sentence(None, _member_path(path, name), "Member must not be null")
    for name, member in value.items():
        if name in shape.members and member is not None:
            yield from _problems(shape.members[name], member, _member_path(path, name), also)


def _text_problems(shape: Any, value: str, path: str, also: Mapping[str, frozenset[str]]) -> Iterator[str]:
    if not _is_unicode(value):
        yield _sentence(value, path, "Member must be Unicode text, without lone surrogates")
        return
    yield from _length_problems(shape, value, path)
    enum = shape.metadata.get("enum")
    if enum and value not in enum and value not in also.get(shape.name, ()):
        yield _sentence(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compile(pattern)) and not compiled.fullmatch(value):
        yield _sentence(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _is_unicode(value: str) -> bool:
    """Whether the text can be encoded: JSON can spell half of a surrogate pair, which no file and no variable can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _length_problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        yield _sentence(value, path, f"Member must have length greater than or equal to {low}")
    if high is not None and len(value) > high:
        yield _sentence(value, path, f"Member must have length less than or equal to {high}")


def _range_problems(shape: Any, value: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _sentence(value, path, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _sentence(value, path, f"Member must have value less than or equal to {high}")


@lru_cache(maxsize=512)
def _compile(pattern: str) -> re.Pattern[str] | None:
    """Returns None for the few patterns, written for Java, that Python cannot read: they are not checked."""
    try:
        return re.compile(pattern, re.ASCII)
    except re.error:
        return None


def _sentence(value: Any, path: str, constraint: str) -> str:
    quoted = f"'{str(value)[:200]}' " if value is not None else "null "
    sentence = f"Value {quoted}at '{path}' failed to satisfy constraint: {constraint}"
    return sentence.encode("utf-8", "replace").decode()


def _member_path(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member
