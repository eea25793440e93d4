"""Properties of a record that Search filters and sorts by: ``HyperParameters.lr``, ``Parents.TrialName``, driven by AWS's model.

A name is a path of members. Letters may be of either case, as at AWS. In a map the rest of the path is the key; a list stands
for each of its items.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.protocol.service_models import operation_model

_ONLY_VALUES = ("NumberValue", "StringValue", "Value")
"""Members that stand for a whole structure: a parameter's value, and an artifact's."""


@cache
def record_shape(member: str) -> Any:
    """Returns the shape of a record, by the member of SearchRecord."""
    model = operation_model("sagemaker", "Search")
    assert model is not None
    return model.output_shape.members["Results"].member.members[member]


def check_property(shape: Any, name: str) -> None:
    """Raises Invalid for a name that no record of the shape has."""
    _values(shape, None, name, name)


def property_values(shape: Any, record: Any, name: str) -> list[Any]:
    """Returns the values of a record under a name: none, one, or as many as lists on the path have items."""
    return [value for value in _values(shape, record, name, name) if value is not None]


def property_items(shape: Any, record: Any, name: str) -> tuple[Any, list[Any]]:
    """Returns the shape of an item, and the items, of a list in the record. Raises Invalid for what is no list."""
    for part in name.split("."):
        member = _member(shape, part) if shape.type_name == "structure" else None
        if member is None:
            raise Invalid(f"Unknown property name: {name}")
        shape, record = shape.members[member], (record or {}).get(member)
    if shape.type_name != "list":
        raise Invalid(f"NestedPropertyName is {name!r}, which is no list; use Filters")
    return shape.member, record or []


def _values(shape: Any, value: Any, rest: str, name: str) -> list[Any]:
    match shape.type_name:
        case "list":
            items = value or [None]
            return [found for item in items for found in _values(shape.member, item, rest, name)]
        case "structure" if rest:
            head, _, tail = rest.partition(".")
            member = _member(shape, head)
            if member is None:
                raise Invalid(f"Unknown property name: {name}")
            return _values(shape.members[member], (value or {}).get(member), tail, name)
        case "structure" if value:
            return [value[key] for key in _ONLY_VALUES if key in value][:1] or [value]
        case "map" if rest:
            return _map_values(shape, value or {}, rest, name)
    if rest:
        raise Invalid(f"Unknown property name: {name}")
    return [value] if value not in ({}, []) else []


def _map_values(shape: Any, value: dict[str, Any], rest: str, name: str) -> list[Any]:
    """Reads ``key``, or ``key.Member`` where the values are structures."""
    if rest in value:
        return _values(shape.value, value[rest], "", name)
    key, dot, member = rest.rpartition(".")
    if shape.value.type_name == "structure" and dot and _member(shape.value, member) is not None:
        return _values(shape.value, value.get(key), member, name)
    return []


def _member(shape: Any, name: str) -> str | None:
    return next((member for member in _spellings(shape, name) if member in shape.members), None)


def _spellings(shape: Any, name: str) -> Iterator[str]:
    yield name
    yield from (member for member in shape.members if member.lower() == name.lower())
