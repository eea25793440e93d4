"""The files of an artifact that hold the program."""

import pytest
import safetensors.torch
import torch
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.artifact import files
from naiad.trainer.artifact.export import load_program
from naiad.trainer.artifact.program import Encoder, Program, SoftmaxHead


class Uncopied(nn.Linear):
    def __deepcopy__(self, memo):
        raise TypeError("holds a lock")


def test_a_network_that_cannot_be_copied_keeps_its_weights(tmp_path):
    program = Program(nn.Identity(), Uncopied(5, 3), SoftmaxHead()).eval()
    samples = torch.randn(4, 5)
    missing = files.write_files(tmp_path, program, samples=samples, example=samples, source=None)
    assert missing == dict.fromkeys(
        ("program.pt2", "model.onnx", "features.pt2", "head.pt2"),
        "the network cannot be copied: TypeError: holds a lock",
    )
    assert {path.name for path in tmp_path.iterdir()} == {"model.safetensors", "samples.safetensors"}
    raw, scores = files.read_samples(tmp_path / "samples.safetensors")
    assert torch.equal(raw, samples)
    assert torch.equal(scores, program(samples))


def test_weights_are_read_by_part(tmp_path):
    program = Program(nn.BatchNorm1d(5), nn.Linear(5, 3), SoftmaxHead()).eval()
    files.write_files(tmp_path, program, samples=None, example=torch.randn(2, 5), source="text")
    weights = files.read_parts(tmp_path / "model.safetensors")["net"]
    assert weights.keys() == {"weight", "bias"}
    assert "features.running_mean" in safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert (tmp_path / "network.py").read_text() == "text"
    assert not (tmp_path / "samples.safetensors").exists()


def test_features_that_do_nothing_can_be_exported(tmp_path):
    program = Program(nn.Identity(), nn.Linear(5, 3), SoftmaxHead()).eval()
    samples = torch.randn(4, 5)
    assert files.write_files(tmp_path, program, samples=samples, example=samples[:1], source=None) == {}
    features, head = (load_program(tmp_path / name) for name in ("features.pt2", "head.pt2"))
    assert torch.equal(head(program.net(features(samples))), program(samples))


def test_weights_are_loaded_into_a_network():
    trained, fresh = nn.Linear(5, 3), nn.Linear(5, 3)
    assert files.load_weights_into(fresh, trained.state_dict(), as_encoder=False) is fresh
    assert torch.equal(fresh.weight, trained.weight)
    lazy = nn.LazyLinear(3)
    files.load_weights_into(lazy, trained.state_dict(), as_encoder=False)
    assert torch.equal(lazy.weight, trained.weight)
    encoder = files.load_weights_into(nn.Linear(5, 3), Encoder(trained).state_dict(), as_encoder=True)
    assert isinstance(encoder, Encoder)


def test_weights_that_do_not_fit_are_named():
    with pytest.raises(NetworkError, match=r"Linear does not fit the artifact's weights: bias is in the artifact only"):
        files.load_weights_into(nn.Linear(5, 3, bias=False), nn.Linear(5, 3).state_dict(), as_encoder=False)
