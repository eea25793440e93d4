"""Times in the database: whole microseconds since 1970 in UTC, exact and sortable."""

import datetime as dt

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def to_epoch_us(at: dt.datetime) -> int:
    """Raises TypeError for a time without a zone."""
    return (at - _EPOCH) // _MICROSECOND


def from_epoch_us(epoch_us: int) -> dt.datetime:
    """Returns an aware time in UTC."""
    return _EPOCH + dt.timedelta(microseconds=epoch_us)
