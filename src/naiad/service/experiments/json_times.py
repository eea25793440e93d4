"""The times of a trial component in the store, which keeps JSON: as ISO 8601, under the same names."""

import datetime as dt
from typing import Any

_TIMES = ("StartTime", "EndTime", "TimeStamp")


def to_stored(value: Any) -> Any:
    """Returns the value with texts in place of times."""
    match value:
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat()
        case dict():
            return {key: to_stored(item) for key, item in value.items()}
        case list():
            return [to_stored(item) for item in value]
    return value


def from_stored(value: Any) -> Any:
    """Returns the value with the times that ``to_stored`` replaced; they are known by their names."""
    match value:
        case dict():
            return {
                key: dt.datetime.fromisoformat(item) if key in _TIMES and isinstance(item, str) else from_stored(item)
                for key, item in value.items()
            }
        case list():
            return [from_stored(item) for item in value]
    return value
