import inspect
import re

import pytest

from naiad.errors import NaiadError
from naiad.service.domain import errors

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_a_service_error(kind):
    parents = {errors.ResourceNotFound: errors.NotFound}
    assert kind.__bases__ == (parents.get(kind, errors.ServiceError),)
    assert issubclass(kind, NaiadError)


def test_the_tree_at_the_top_has_every_error_with_its_meaning():
    tree = dict(re.findall(r"^    (?:│   )?[├└]── (\w+) +(\S.*)$", errors.__doc__ or "", re.MULTILINE))
    assert set(tree) == {kind.__name__ for kind in KINDS}


def test_an_error_has_a_message_and_may_have_a_hint():
    error = errors.NotFound("no job a", hint="naiad jobs list")
    assert (str(error), error.hint) == ("no job a", "naiad jobs list")
