import inspect

import pytest

from naiad.errors import NaiadError
from naiad.service.domain import errors

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", KINDS)
def test_every_refusal_is_one_of_the_services_and_of_naiads(kind):
    assert issubclass(kind, errors.ServiceError)
    assert issubclass(kind, NaiadError)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not errors.ServiceError])
def test_every_refusal_says_what_it_means(kind):
    assert kind.__doc__
    assert kind.__bases__ == (errors.ServiceError,)


def test_a_refusal_has_a_message_and_may_have_a_hint():
    refused = errors.NotFound("no job a", hint="naiad jobs list")
    assert (str(refused), refused.hint) == ("no job a", "naiad jobs list")
