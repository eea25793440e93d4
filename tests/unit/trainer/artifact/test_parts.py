import pytest
import safetensors.torch
import torch
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.artifact import parts
from naiad.trainer.artifact.export import load_program
from naiad.trainer.artifact.program import Encode, Probabilities, Program


class Uncopied(nn.Linear):
    def __deepcopy__(self, memo):
        raise TypeError("holds a lock")


def test_what_cannot_be_copied_keeps_its_weights_and_says_why(tmp_path):
    program = Program(nn.Identity(), Uncopied(5, 3), Probabilities()).eval()
    samples = torch.randn(4, 5)
    missing = parts.write_parts(tmp_path, program, samples=samples, example=samples, source=None)
    assert missing == dict.fromkeys(
        ("program.pt2", "model.onnx", "features.pt2", "head.pt2"),
        "the network cannot be copied: TypeError: holds a lock",
    )
    assert {path.name for path in tmp_path.iterdir()} == {"model.safetensors", "samples.safetensors"}
    raw, scores = parts.read_samples(tmp_path / "samples.safetensors")
    assert torch.equal(raw, samples)
    assert torch.equal(scores, program(samples))


def test_weights_are_read_by_part(tmp_path):
    program = Program(nn.BatchNorm1d(5), nn.Linear(5, 3), Probabilities()).eval()
    parts.write_parts(tmp_path, program, samples=None, example=torch.randn(2, 5), source="text")
    weights = parts.read_weights(tmp_path / "model.safetensors", "net")
    assert weights.keys() == {"weight", "bias"}
    assert "features.running_mean" in safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert (tmp_path / "network.py").read_text() == "text"
    assert not (tmp_path / "samples.safetensors").exists()


def test_features_that_do_nothing_export_too(tmp_path):
    program = Program(nn.Identity(), nn.Linear(5, 3), Probabilities()).eval()
    samples = torch.randn(4, 5)
    assert parts.write_parts(tmp_path, program, samples=samples, example=samples[:1], source=None) == {}
    features, head = (load_program(tmp_path / name) for name in ("features.pt2", "head.pt2"))
    assert torch.equal(head(program.net(features(samples))), program(samples))


def test_fill_network_gives_the_programs_middle():
    trained, fresh = nn.Linear(5, 3), nn.Linear(5, 3)
    assert parts.fill_network(fresh, trained.state_dict(), encoder=False) is fresh
    assert torch.equal(fresh.weight, trained.weight)
    lazy = nn.LazyLinear(3)
    parts.fill_network(lazy, trained.state_dict(), encoder=False)
    assert torch.equal(lazy.weight, trained.weight)
    encoder = parts.fill_network(nn.Linear(5, 3), Encode(trained).state_dict(), encoder=True)
    assert isinstance(encoder, Encode)


def test_fill_network_names_what_does_not_fit():
    with pytest.raises(NetworkError, match=r"Linear does not fit the artifact's weights: bias is in the artifact only"):
        parts.fill_network(nn.Linear(5, 3, bias=False), nn.Linear(5, 3).state_dict(), encoder=False)
