"""The registration of handlers."""

from types import SimpleNamespace

import pytest

from naiad.service.gateway.operation import Operation, operation


def test_a_handler_gets_the_services_that_it_names():
    call = Operation(lambda region, principal, jobs, request: {"got": (region, principal, jobs, request)})
    services = SimpleNamespace(region="r", jobs="j", store=None)
    assert call(services, "p", {"Name": "x"}) == {"got": ("r", "p", "j", {"Name": "x"})}


@pytest.mark.parametrize("handler", [lambda weather, request: {}, lambda request, jobs: {}], ids=["name", "order"])
def test_a_handler_with_other_parameters(handler):
    with pytest.raises(TypeError, match="takes services and last the request"):
        Operation(handler)


def test_an_operation_has_one_handler():
    with pytest.raises(ValueError, match="has a handler already"):
        operation("sagemaker", "CreateModel")(lambda request: {})
