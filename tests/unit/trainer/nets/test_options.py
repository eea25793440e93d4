"""Checks of network options."""

import pytest

from naiad.errors import OptionError
from naiad.trainer.nets.options import check_at_least, check_choice, check_fraction, check_widths


def test_valid_values_are_returned():
    assert check_at_least("depth", 2, 1) == 2
    assert check_fraction("dropout", 0) == 0.0
    assert check_choice("activation", "relu", ["relu", "gelu"]) == "relu"
    assert check_widths("hidden", [8, 4]) == (8, 4)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: check_at_least("depth", 0, 1), "depth must be at least 1, given 0"),
        (lambda: check_at_least("depth", True, 1), "depth takes a whole number, given True"),
        (lambda: check_fraction("dropout", 1), "dropout must be 0 or more and less than 1, given 1"),
        (lambda: check_fraction("dropout", float("nan")), "given nan"),
        (lambda: check_fraction("dropout", "half"), "dropout takes a number, given 'half'"),
        (lambda: check_widths("hidden", "64"), "hidden takes a list of whole numbers, given '64'"),
        (lambda: check_widths("hidden", [64, 0]), "hidden must be at least 1, given 0"),
        (lambda: check_widths("hidden", [], min_count=1), "hidden must name at least 1 layers, given 0"),
    ],
)
def test_invalid_values_are_errors(check, message):
    with pytest.raises(OptionError) as caught:
        check()
    assert message in str(caught.value)


def test_a_similar_name_is_suggested():
    with pytest.raises(OptionError, match="activation 'rellu' is not known") as caught:
        check_choice("activation", "rellu", ["relu", "gelu"])
    assert caught.value.hint == "did you mean 'relu'?"
