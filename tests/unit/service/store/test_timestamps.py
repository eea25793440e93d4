import datetime as dt

import pytest

from naiad.service.store.timestamps import from_epoch_us, to_epoch_us

AT = dt.datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "time",
    [
        AT,
        dt.datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
        dt.datetime.max.replace(tzinfo=dt.UTC),
    ],
)
def test_times_are_exact(time):
    assert from_epoch_us(to_epoch_us(time)) == time
    assert from_epoch_us(to_epoch_us(time)).tzinfo is dt.UTC


def test_a_time_without_a_zone_is_our_mistake():
    with pytest.raises(TypeError, match="offset-naive"):
        to_epoch_us(AT.replace(tzinfo=None))
