"""The filters of Search: whether a record passes an expression of AWS's filters, nested filters and subexpressions."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.search_properties import check_property, property_items, property_values

TAG_PREFIX = "Tags."
METRIC_PREFIX = "Metrics."
_MAX_DEPTH = 5
_MAX_FILTERS = 50
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": lambda actual, asked_value: actual > asked_value,
    "GreaterThanOrEqualTo": lambda actual, asked_value: actual >= asked_value,
    "LessThan": lambda actual, asked_value: actual < asked_value,
    "LessThanOrEqualTo": lambda actual, asked_value: actual <= asked_value,
}


class Candidate(Protocol):
    """A record that may pass. What costs time is read when a filter needs it."""

    @property
    def shape(self) -> Any: ...

    def record_for(self, name: str) -> Shape:
        """Returns the record, in which the property of this name must be; metrics, which lie in files, only for their own."""

    @property
    def tags(self) -> dict[str, str]: ...

    def metric_values(self, name: str) -> list[float]: ...


@dataclass(frozen=True)
class _Item:
    """An item of a list, for nested filters."""

    shape: Any
    record: Shape

    def record_for(self, name: str) -> Shape:  # noqa: ARG002  # reason: the form of a candidate
        return self.record

    @property
    def tags(self) -> dict[str, str]:
        return {}

    def metric_values(self, name: str) -> list[float]:  # noqa: ARG002  # reason: the form of a candidate
        return []


def check_expression(shape: Any, expression: Shape) -> None:
    """Raises Invalid for a filter that no record can have, so that it does not look like one that none passes."""
    if sum(1 for _ in _walk(expression, 0)) > _MAX_FILTERS:
        raise Invalid(f"SearchExpression has more than {_MAX_FILTERS} filters")
    for one in _walk(expression, 0):
        if "NestedPropertyName" in one:
            item_shape, _ = property_items(shape, {}, one["NestedPropertyName"])
            for inner in one["Filters"]:
                check_property(item_shape, _inner_name(one, inner))
        else:
            check_name(shape, one["Name"])


def check_name(shape: Any, name: str) -> None:
    """Raises Invalid for a property that no record has."""
    if not is_tag(name) and not is_metric(shape, name):
        check_property(shape, name)


def matches(expression: Shape, candidate: Candidate) -> bool:
    """Whether the record passes. Raises Invalid for a value that cannot be compared with the property."""
    results = [_passes(one, candidate) for one in expression.get("Filters", [])]
    results += [_nested_passes(one, candidate) for one in expression.get("NestedFilters", [])]
    results += [matches(inner, candidate) for inner in expression.get("SubExpressions", [])]
    if not results:
        return True
    return any(results) if expression.get("Operator") == "Or" else all(results)


def required_filters(expression: Shape) -> Iterator[tuple[str, str, str]]:
    """Yields (name, operator, value) of the filters that every record must pass."""
    if expression.get("Operator", "And") == "And":
        for one in expression.get("Filters", []):
            yield one["Name"], _operator(one), one.get("Value", "")


def candidate_values(candidate: Candidate, name: str) -> list[Any]:
    """Returns the values of a property, a tag or a metric."""
    if is_tag(name):
        tag = candidate.tags.get(name[len(TAG_PREFIX) :])
        return [] if tag is None else [tag]
    if is_metric(candidate.shape, name):
        return list(candidate.metric_values(name[len(METRIC_PREFIX) :]))
    return property_values(candidate.shape, candidate.record_for(name), name)


def is_tag(name: str) -> bool:
    return name.lower().startswith(TAG_PREFIX.lower())


def is_metric(shape: Any, name: str) -> bool:
    """Whether the name is that of a metric, in a record that has metrics."""
    has_metrics = "Metrics" in shape.members or "FinalMetricDataList" in shape.members
    return has_metrics and name.lower().startswith(METRIC_PREFIX.lower())


def _walk(expression: Shape, depth: int) -> Iterator[Shape]:
    if depth > _MAX_DEPTH:
        raise Invalid(f"SubExpressions are nested deeper than {_MAX_DEPTH}")
    yield from expression.get("Filters", [])
    yield from expression.get("NestedFilters", [])
    for inner in expression.get("SubExpressions", []):
        yield from _walk(inner, depth + 1)


def _inner_name(nested: Shape, inner: Shape) -> str:
    """Returns the filter's name below the list: AWS writes it with the list's own name in front."""
    return str(inner["Name"].removeprefix(f"{nested['NestedPropertyName']}."))


def _nested_passes(nested: Shape, candidate: Candidate) -> bool:
    """Whether one item of the list passes all filters."""
    name = nested["NestedPropertyName"]
    shape, items = property_items(candidate.shape, candidate.record_for(name), name)
    filters = [{**inner, "Name": _inner_name(nested, inner)} for inner in nested["Filters"]]
    return any(all(_passes(one, _Item(shape, item)) for one in filters) for item in items)


def _operator(condition: Shape) -> str:
    return str(condition.get("Operator", "Equals"))


def _passes(condition: Shape, candidate: Candidate) -> bool:
    name, operator, asked_value = condition["Name"], _operator(condition), condition.get("Value", "")
    values = [value for value in candidate_values(candidate, name) if value != ""]
    if operator == "Exists":
        return bool(values)
    if operator == "NotExists":
        return not values
    if operator == "NotEquals":
        return not any(_is_equal(name, value, asked_value) for value in values)
    return any(_compare(name, operator, value, asked_value) for value in values)


def _compare(name: str, operator: str, value: Any, asked_value: str) -> bool:
    match operator:
        case "Equals":
            return _is_equal(name, value, asked_value)
        case "In":
            return any(_is_equal(name, value, one.strip()) for one in asked_value.split(","))
        case "Contains":
            return asked_value in _text(value)
    return _COMPARISONS[operator](*_comparable(name, value, asked_value))


def _is_equal(name: str, value: Any, asked_value: str) -> bool:
    if isinstance(value, str):
        return value == asked_value
    actual, expected = _comparable(name, value, asked_value)
    return bool(actual == expected)


def _comparable(name: str, value: Any, asked_value: str) -> tuple[Any, Any]:
    """Returns both as times, as numbers or as texts. A text that holds a number is one where the other is one too."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC), _parse_time(name, asked_value)
    number = _parse_number(asked_value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if number is None:
            raise Invalid(f"the filter {name} has the Value {asked_value!r}, which is no number")
        return value, number
    own = _parse_number(value) if isinstance(value, str) else None
    return (own, number) if own is not None and number is not None else (_text(value), asked_value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _parse_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _parse_time(name: str, text: str) -> dt.datetime:
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"the filter {name} has the Value {text!r}, which is no time like 2030-01-31T12:00:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)
