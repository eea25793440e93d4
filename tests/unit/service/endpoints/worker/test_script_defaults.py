import io
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from naiad.service.endpoints.worker import script_defaults
from naiad.service.endpoints.worker.inference import InferenceError

NETWORK = """
import torch
class Small(torch.nn.Linear):
    def __init__(self, size=2): super().__init__(3, size)
class Needs(torch.nn.Module):
    def __init__(self, size): super().__init__()
"""


@pytest.fixture
def network() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(3, 2)


def test_weights_are_loaded_into_the_only_network(tmp_path: Path, network: torch.nn.Linear):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "small_network.py").write_text(NETWORK)
    inputs = torch.ones(1, 3)
    for name, save in (
        ("model.pth", lambda path: torch.save(network.state_dict(), path)),
        ("model.safetensors", lambda path: safetensors.torch.save_file(network.state_dict(), path)),
    ):
        save(tmp_path / name)
        loaded = script_defaults.model_fn(tmp_path, {})
        assert not loaded.training
        torch.testing.assert_close(script_defaults.predict_fn(inputs, loaded), network(inputs))
        (tmp_path / name).unlink()


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning", "ignore:.torch.jit:DeprecationWarning")
def test_torchscript_needs_no_network(tmp_path: Path, network: torch.nn.Linear):
    torch.jit.save(torch.jit.script(network), tmp_path / "model.pt")
    torch.testing.assert_close(
        script_defaults.predict_fn(torch.ones(1, 3), script_defaults.model_fn(tmp_path, {})), network(torch.ones(1, 3))
    )


def test_weights_that_cannot_be_loaded(tmp_path: Path, network: torch.nn.Linear):
    with pytest.raises(InferenceError, match="there are: none"):
        script_defaults.model_fn(tmp_path, {})
    torch.save(network, tmp_path / "whole.pt")
    with pytest.raises(InferenceError, match="neither TorchScript nor weights that can be loaded safely"):
        script_defaults.model_fn(tmp_path, {})
    torch.save(network.state_dict(), tmp_path / "whole.pt")
    with pytest.raises(InferenceError, match="the weights need a network"):
        script_defaults.model_fn(tmp_path, {})
    torch.save([1], tmp_path / "whole.pt")
    with pytest.raises(InferenceError, match=r"the weights need a network|holds list"):
        script_defaults.model_fn(tmp_path, {})


def test_the_network_can_be_named(tmp_path: Path, network: torch.nn.Linear):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "two_networks.py").write_text(NETWORK + "class Other(Small): pass\n")
    torch.save(network.state_dict(), tmp_path / "model.pth")
    with pytest.raises(InferenceError, match="Small, Other"):
        script_defaults.model_fn(tmp_path, {})
    assert type(script_defaults.model_fn(tmp_path, {"NAIAD_NETWORK": "two_networks.py:Other"})).__name__ == "Other"


def test_numbers_are_parsed_and_written():
    file = io.BytesIO()
    np.save(file, np.array([[1.0, 2.0]]))
    for body, content_type in (
        ("[[1, 2]]", "application/json"),
        ("1,2\n", "text/csv"),
        ("[1, 2]\n", "application/jsonlines"),
        (file.getvalue(), "application/x-npy"),
    ):
        assert script_defaults.input_fn(body, content_type).tolist() == [[1.0, 2.0]]
    prediction = torch.tensor([[1.0, 2.5]])
    assert script_defaults.output_fn(prediction, "application/json") == (b"[[1.0,2.5]]", "application/json")
    assert script_defaults.output_fn(prediction, "text/csv")[0] == b"1.0,2.5\n"
    assert np.load(io.BytesIO(script_defaults.output_fn(prediction, "application/x-npy")[0])).tolist() == [[1.0, 2.5]]


def test_unknown_content_types():
    with pytest.raises(InferenceError) as raised:
        script_defaults.input_fn(b"", "image/png")
    assert raised.value.status == 415
    with pytest.raises(InferenceError) as raised:
        script_defaults.output_fn(torch.ones(1), "image/png")
    assert raised.value.status == 406
