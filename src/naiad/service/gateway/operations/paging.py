"""Pages and times, which the List… operations of every noun share."""

import datetime as dt

from naiad.service.gateway.operation import Shape

DEFAULT_PAGE_SIZE = 10
"""AWS's own where MaxResults is missing."""


def with_next_token(output: Shape, next_token: object | None) -> Shape:
    """Adds the NextToken; None: this is the last page."""
    return {**output, **({"NextToken": str(next_token)} if next_token is not None else {})}


def as_utc(time: dt.datetime) -> dt.datetime:
    """Returns the time with a zone: a time without one is in UTC."""
    return time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)


def utc_member(request: Shape, name: str) -> dt.datetime | None:
    """Returns a time of the request; None where it is missing."""
    return as_utc(request[name]) if name in request else None
