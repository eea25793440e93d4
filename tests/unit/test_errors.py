"""The error tree, and the nearest name."""

import re

import pytest

from naiad import errors


def test_the_drawing_shows_every_error():
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__)) | {"NaiadError"}
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert drawn == defined


def test_a_hint_is_apart_from_the_message():
    error = errors.DataError("no data", hint="give some")
    assert (str(error), error.hint) == ("no data", "give some")
    assert isinstance(error, errors.InputError)


@pytest.mark.parametrize(("given", "phrase"), [("epoch", "did you mean 'epochs'?"), ("zzz", "known: epochs, seed")])
def test_nearest(given, phrase):
    assert errors.nearest(given, ["seed", "epochs"]) == phrase
