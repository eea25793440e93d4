"""The error tree, and the hint that offers a known name."""

import inspect
import pickle
import re
import traceback
from types import ModuleType

import pytest

from naiad import errors
from naiad.service.domain import errors as service_errors


@pytest.mark.parametrize(("module", "root"), [(errors, "NaiadError"), (service_errors, "ServiceError")])
def test_the_drawing_shows_every_error(module: ModuleType, root: str) -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", str(module.__doc__))) | {root}
    defined = {name for name, value in inspect.getmembers(module, inspect.isclass) if issubclass(value, Exception)}
    assert drawn == defined


def test_a_hint_is_not_a_part_of_the_message() -> None:
    error = errors.DataError("no data", hint="give some")
    assert (str(error), error.hint) == ("no data", "give some")
    assert isinstance(error, errors.InputError)


def test_a_message_is_one_line() -> None:
    assert str(errors.DataError("it cannot be read: a load\n  of lines\r\n")) == "it cannot be read: a load of lines"
    assert str(errors.DataError("two  spaces stay")) == "two  spaces stay"


def test_a_traceback_shows_the_hint() -> None:
    shown = "".join(traceback.format_exception(errors.DataError("no data", hint="give some")))
    assert shown == "naiad.errors.DataError: no data\nhint: give some\n"
    assert not hasattr(errors.DataError("no data"), "__notes__")


def test_an_error_is_the_same_in_another_process() -> None:
    error = pickle.loads(pickle.dumps(errors.DataError("no data", hint="give some")))
    assert (str(error), error.hint, error.__notes__) == ("no data", "give some", ["hint: give some"])


@pytest.mark.parametrize(("name", "phrase"), [("epoch", "did you mean 'epochs'?"), ("zzz", "known: epochs, seed")])
def test_a_known_name_is_offered(name: str, phrase: str) -> None:
    assert errors.did_you_mean(name, ["seed", "epochs"]) == phrase
