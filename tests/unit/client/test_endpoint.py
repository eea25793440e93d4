from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naiad.client.connection import connect
from naiad.client.endpoint import EndpointHandle, _labels, labelled
from naiad.errors import InputError, NaiadError


@pytest.fixture
def shoes(service: Any, tmp_path: Path) -> EndpointHandle:
    """One that is being created, for ever unless a test settles it."""
    (tmp_path / "model.tar.gz").write_bytes(b"an archive")
    return connect().deploy(tmp_path / "model.tar.gz", "shoes", wait=False)


def test_wait_ends_when_it_is_in_service(service: Any, shoes: EndpointHandle) -> None:
    assert shoes.status == "Creating"
    service.settle("shoes")
    assert shoes.wait() is shoes
    assert shoes.status == "InService"


def test_a_start_that_failed_is_raised_with_its_reason(service: Any, shoes: EndpointHandle) -> None:
    service.settle("shoes", "OSError: no weights (inference.py, line 2)")
    with pytest.raises(NaiadError, match=r"endpoint shoes is Failed: OSError: no weights \(inference\.py, line 2\)"):
        shoes.wait()


def test_one_that_goes_on_starting_is_told_when_the_time_is_over(shoes: EndpointHandle) -> None:
    with pytest.raises(NaiadError, match=r"shoes is not in service after 0\.01 s"):
        shoes.wait(timeout_s=0.01)


def test_logs_of_all_its_streams(service: Any, shoes: EndpointHandle) -> None:
    assert list(shoes.logs()) == []
    service.log_of_endpoint("shoes", "AllTraffic/1", "one")
    service.log_of_endpoint("shoes", "AllTraffic/2", "two")
    assert sorted(shoes.logs()) == ["one", "two"]


def test_deleting_is_an_order(service: Any, shoes: EndpointHandle) -> None:
    service.settle("shoes")
    shoes.delete()
    assert shoes.status == "Deleting"


def test_the_servers_words_are_raised(shoes: EndpointHandle) -> None:
    with pytest.raises(InputError, match="Endpoint nobody not found"):
        connect().endpoint("nobody").predict(np.zeros((1, 64)))


@pytest.mark.parametrize("content", [b"", b"\xff", b"3", b"[1]", b'{"labels": [1]}', b'{"predictions": []}'])
def test_an_answer_in_another_form_has_no_labels(content: bytes) -> None:
    assert labelled(content) is None
    assert labelled(b'{"labels": ["a"], "scores": [[1.0]]}') == {"labels": ["a"], "scores": [[1.0]]}


def test_labels_are_typed_as_the_models_own() -> None:
    assert _labels(["cat", "dog"]).dtype == np.array(["cat", "dog"]).dtype
    assert _labels([0, 3]).dtype == np.int64
    values = _labels([1.5, None])
    assert values.dtype == np.float32
    assert np.isnan(values[1])
