"""A dimension's points of the unit interval, its grid, and its written form."""

import pytest

from naiad.errors import OptionError
from naiad.trainer.tuning.dimension import Condition, Dimension, Kind, Scale

LOG = Dimension("lr", Kind.CONTINUOUS, 1e-4, 1.0, Scale.LOG)
REVERSE = Dimension("momentum", Kind.CONTINUOUS, 0.9, 0.999, Scale.REVERSE_LOG)
WIDTH = Dimension("width", Kind.INTEGER, 8, 512, Scale.LOG)
DEPTH = Dimension("depth", Kind.INTEGER, 1, 3)
KIND = Dimension("activation", Kind.CATEGORICAL, choices=("relu", "gelu", "silu"))


def test_the_middle_of_a_logarithmic_scale_is_the_geometric_mean():
    assert LOG.value_at(0.5) == pytest.approx(1e-2)
    assert REVERSE.value_at(0.5) == pytest.approx(1 - (0.1 * 0.001) ** 0.5)
    assert (LOG.value_at(0.0), LOG.value_at(1.0)) == (pytest.approx(1e-4), pytest.approx(1.0))


@pytest.mark.parametrize("dimension", [LOG, REVERSE, WIDTH, DEPTH, KIND], ids=lambda one: one.name)
def test_a_value_is_inside_and_comes_back_from_its_point(dimension):
    for step in range(101):
        value = dimension.value_at(step / 100)
        assert dimension.contains(value)
        again = dimension.value_at(dimension.fraction_of(value))
        assert again == (pytest.approx(value) if isinstance(value, float) else value)


def test_each_whole_number_has_its_part():
    values = [DEPTH.value_at((step + 0.5) / 300) for step in range(300)]
    assert [values.count(depth) for depth in (1, 2, 3)] == [100, 100, 100]


def test_the_grid_has_the_ends():
    assert DEPTH.grid() == (1, 2, 3)
    assert KIND.grid() == KIND.choices
    assert [LOG.grid()[0], LOG.grid()[-1]] == [pytest.approx(1e-4), pytest.approx(1.0)]
    assert len(LOG.grid()) == 5


@pytest.mark.parametrize("dimension", [LOG, REVERSE, WIDTH, KIND], ids=lambda one: one.name)
def test_a_dimension_is_written_and_read(dimension):
    assert Dimension.from_json(dimension.to_json()) == dimension


def test_a_condition_is_written_and_read():
    with_condition = Dimension("momentum", Kind.CONTINUOUS, 0.8, 0.99, when=Condition("optimizer", ("sgd", "muon")))
    assert Dimension.from_json(with_condition.to_json()) == with_condition


def test_the_scale_auto_is_logarithmic_for_a_wide_range():
    ends = {"name": "x", "type": "continuous", "scale": "auto"}
    assert Dimension.from_json({**ends, "low": 1e-4, "high": 1}).scale is Scale.LOG
    assert Dimension.from_json({**ends, "low": 0.2, "high": 0.5}).scale is Scale.LINEAR


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ({"low": 2, "high": 1}, "to a larger one"),
        ({"low": 0, "high": 1, "scale": Scale.LOG}, "begins above 0"),
        ({"low": 0, "high": 1, "scale": Scale.REVERSE_LOG}, "to below 1"),
        ({"low": 0, "high": float("inf")}, "to a larger one"),
    ],
)
def test_ends_that_are_no_range_are_refused(ends, message):
    with pytest.raises(OptionError, match=message):
        Dimension("x", Kind.CONTINUOUS, **ends)


def test_fractions_are_no_whole_numbers():
    with pytest.raises(OptionError, match="whole numbers"):
        Dimension("x", Kind.INTEGER, 0.5, 2)


def test_a_value_outside_is_refused():
    assert WIDTH.read_value("16") == 16
    assert WIDTH.read_value(16.0) == 16
    with pytest.raises(OptionError, match=r"16\.5 is outside of whole numbers 8 to 512"):
        WIDTH.read_value(16.5)
    with pytest.raises(OptionError, match="tanh' is outside of relu, gelu, silu"):
        KIND.read_value("tanh")
