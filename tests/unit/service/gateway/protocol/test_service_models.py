"""AWS's published service models."""

import pytest

from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.operations import __name__ as _registered  # noqa: F401  # reason: fills the table
from naiad.service.gateway.protocol.service_models import (
    QUERY_SERVICES,
    TARGET_PREFIXES,
    operation_model,
    service_model,
    wire_name,
)


def test_every_served_operation_is_one_of_aws():
    assert [name for name in OPERATIONS if operation_model(*name) is None] == []


def test_every_service_in_the_tables_has_a_model():
    for service in (*TARGET_PREFIXES.values(), *QUERY_SERVICES.values()):
        assert service_model(service).operation_names
    assert service_model("sagemaker").metadata["targetPrefix"] in TARGET_PREFIXES


@pytest.mark.parametrize("name", ["", "NoSuch", "__init__", "listtrainingjobs", "ListTrainingJobs "])
def test_names_of_no_operation(name):
    assert operation_model("sagemaker", name) is None


def test_names_on_the_wire():
    shape = operation_model("sagemaker", "ListTrainingJobs").input_shape
    assert wire_name(shape, "MaxResults") == "MaxResults"
