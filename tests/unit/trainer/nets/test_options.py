import pytest

from naiad.errors import OptionError
from naiad.trainer.nets.options import at_least, fraction, one_of, widths


def test_good_values_come_back():
    assert at_least("depth", 2, 1) == 2
    assert fraction("dropout", 0) == 0.0
    assert one_of("activation", "relu", ["relu", "gelu"]) == "relu"
    assert widths("hidden", [8, 4]) == (8, 4)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: at_least("depth", 0, 1), "depth must be at least 1, given 0"),
        (lambda: at_least("depth", True, 1), "depth takes a whole number, given True"),
        (lambda: fraction("dropout", 1), "dropout must be 0 or more and less than 1, given 1"),
        (lambda: fraction("dropout", float("nan")), "given nan"),
        (lambda: fraction("dropout", "half"), "dropout takes a number, given 'half'"),
        (lambda: widths("hidden", "64"), "hidden takes a list of whole numbers, given '64'"),
        (lambda: widths("hidden", [64, 0]), "hidden must be at least 1, given 0"),
        (lambda: widths("hidden", [], least_count=1), "hidden must name at least 1 layers, given 0"),
    ],
)
def test_bad_values_are_told(check, message):
    with pytest.raises(OptionError) as caught:
        check()
    assert message in str(caught.value)


def test_the_nearest_name_is_offered():
    with pytest.raises(OptionError, match="activation 'rellu' is not known") as caught:
        one_of("activation", "rellu", ["relu", "gelu"])
    assert caught.value.hint == "did you mean 'relu'?"
