from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naiad.client.connection import connect
from naiad.client.endpoint import EndpointHandle, _label_array, parse_predictions
from naiad.errors import InputError, NaiadError


@pytest.fixture
def shoes(service: Any, tmp_path: Path) -> EndpointHandle:
    """Returns an endpoint that stays in creation until a test ends its deployment."""
    (tmp_path / "model.tar.gz").write_bytes(b"an archive")
    return connect().deploy(tmp_path / "model.tar.gz", "shoes", wait=False)


def test_wait_returns_when_the_endpoint_is_in_service(service: Any, shoes: EndpointHandle) -> None:
    assert shoes.status == "Creating"
    service.finish_deployment("shoes")
    assert shoes.wait() is shoes
    assert shoes.status == "InService"


def test_a_failed_start_is_raised_with_its_reason(service: Any, shoes: EndpointHandle) -> None:
    service.finish_deployment("shoes", "OSError: no weights (inference.py, line 2)")
    with pytest.raises(NaiadError, match=r"endpoint shoes is Failed: OSError: no weights \(inference\.py, line 2\)"):
        shoes.wait()


def test_wait_raises_when_the_time_is_over(shoes: EndpointHandle) -> None:
    with pytest.raises(NaiadError, match=r"shoes is not in service after 0\.01 s"):
        shoes.wait(timeout_s=0.01)


def test_logs_of_all_streams(service: Any, shoes: EndpointHandle) -> None:
    assert list(shoes.logs()) == []
    service.log_endpoint("shoes", "AllTraffic/1", "one")
    service.log_endpoint("shoes", "AllTraffic/2", "two")
    assert sorted(shoes.logs()) == ["one", "two"]


def test_delete_does_not_wait(service: Any, shoes: EndpointHandle) -> None:
    service.finish_deployment("shoes")
    shoes.delete()
    assert shoes.status == "Deleting"


def test_the_servers_message_is_raised(shoes: EndpointHandle) -> None:
    with pytest.raises(InputError, match="Endpoint nobody not found"):
        connect().endpoint("nobody").predict(np.zeros((1, 64)))


@pytest.mark.parametrize("content", [b"", b"\xff", b"3", b"[1]", b'{"labels": [1]}', b'{"predictions": []}'])
def test_an_answer_in_another_form_is_no_prediction(content: bytes) -> None:
    assert parse_predictions(content) is None
    assert parse_predictions(b'{"labels": ["a"], "scores": [[1.0]]}') == {"labels": ["a"], "scores": [[1.0]]}


def test_labels_have_the_type_of_the_models() -> None:
    assert _label_array(["cat", "dog"]).dtype == np.array(["cat", "dog"]).dtype
    assert _label_array([0, 3]).dtype == np.int64
    values = _label_array([1.5, None])
    assert values.dtype == np.float64
    assert np.isnan(values[1])
