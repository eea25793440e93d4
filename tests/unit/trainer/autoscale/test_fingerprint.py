"""Fingerprints of runs that may differ."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import naiad
from naiad.trainer.autoscale.fingerprint import fingerprint
from naiad.trainer.data.dataset import Split, TensorSamples


def net(**options):
    return nn.Sequential(nn.Linear(5, 8), nn.Dropout(**options), nn.Linear(8, 3))


class Written(nn.Module):
    """A network of a user."""

    def __init__(self, scale=2.0, activation=F.relu):
        super().__init__()
        self.linear, self.scale, self.activation = nn.Linear(5, 3), scale, activation

    def forward(self, inputs):
        return self.activation(self.linear(inputs)) * self.scale


def edited(forward):
    """The same class with another forward: what remains of the old one is its name."""
    return type("Written", (Written,), {"forward": forward, "__qualname__": "Written"})()


def frozen(built):
    built[0].weight.requires_grad_(False)
    return built


def test_equal_inputs_have_equal_fingerprints(blobs):
    assert fingerprint(net(), blobs, {"epochs": 3}) == fingerprint(net(), blobs, {"epochs": 3})
    assert fingerprint(Written(), blobs, {}) == fingerprint(Written(), blobs, {})


@pytest.mark.parametrize(
    "other",
    [
        lambda: net(p=0.1),
        lambda: frozen(net()),
        lambda: net().double(),
        lambda: nn.Sequential(*net(), nn.Identity()),
        lambda: nn.Sequential(nn.Linear(5, 8, bias=False), *net()[1:]),
    ],
    ids=["dropout", "frozen", "type", "layers", "bias"],
)
def test_another_network_has_another_fingerprint(blobs, other):
    assert fingerprint(other(), blobs, {}) != fingerprint(net(), blobs, {})


def test_a_stride_counts(blobs):
    digests = {fingerprint(nn.Conv2d(1, 1, 3, stride=stride), blobs, {}) for stride in (1, 2)}
    assert len(digests) == 2


def test_the_code_of_a_users_class_counts(blobs):
    once = edited(lambda self, inputs: self.linear(inputs) + 1)
    twice = edited(lambda self, inputs: self.linear(inputs) + 2)
    decorated = edited(torch.no_grad()(Written.forward))
    nets = [Written(), Written(scale=3.0), Written(activation=F.gelu), once, twice, decorated]
    assert len({fingerprint(each, blobs, {}) for each in nets}) == len(nets)


def test_networks_of_every_kind_have_a_fingerprint(blobs):
    nets = [
        torch.compile(net()),
        nn.utils.parametrizations.weight_norm(nn.Linear(5, 3)),
        nn.GRU(5, 3),
        nn.TransformerEncoderLayer(8, 2, activation=F.gelu),
        nn.TransformerEncoderLayer(8, 2, activation=F.relu),
    ]
    assert len({fingerprint(each, blobs, {}) for each in nets}) == len(nets)


def of_samples(blobs, tensor, targets=None):
    train = Split(TensorSamples(tensor), blobs.train.targets if targets is None else targets, blobs.train.names)
    return replace(blobs, train=train)


def test_the_content_of_the_data_counts(blobs):
    tensor, targets = blobs.train.samples.tensor, blobs.train.targets
    datasets = [
        blobs,
        of_samples(blobs, tensor + 1),
        of_samples(blobs, tensor, targets.flip(0)),
        of_samples(blobs, tensor, torch.zeros_like(targets)),
        of_samples(blobs, tensor.double()),
    ]
    assert len({fingerprint(net(), each, {}) for each in datasets}) == len(datasets)


def test_overrides_and_the_version_of_naiad_count(blobs, monkeypatch):
    first = fingerprint(net(), blobs, {})
    assert fingerprint(net(), blobs, {"epochs": 4}) != first
    monkeypatch.setattr(naiad, "__version__", "99.0")
    assert fingerprint(net(), blobs, {}) != first


class Drawn:
    """A user's samples that are drawn anew each time."""

    sample_shape, dtype, in_memory, fixed = torch.Size([5]), torch.float32, False, False

    def __init__(self):
        self.read = 0

    def __len__(self):
        return 100

    def take(self, indices):
        self.read += len(indices)
        return torch.randn(len(indices), 5)


def test_random_samples_have_one_fingerprint_and_move_no_generator(blobs):
    samples = Drawn()
    drawn = replace(blobs, train=Split(samples, blobs.train.targets, blobs.train.names))
    learner, before = net(), torch.get_rng_state()
    assert fingerprint(learner, drawn, {}) == fingerprint(learner, drawn, {})
    assert torch.equal(torch.get_rng_state(), before)
    assert samples.read <= 32


PROGRAM = """
from torch import nn
from naiad.trainer.autoscale.fingerprint import _class_code
class Net(nn.Module):
    def forward(self, inputs):
        kinds = inputs.kind in {"one", "two", "three", "four"}
        return [lambda: kinds, "text"]
print(_class_code(Net))
"""


def test_a_class_is_the_same_in_every_process(capsys):
    exec(PROGRAM, {"__name__": "__main__"})
    other_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    command = [sys.executable, "-c", "\n\n" + PROGRAM]
    assert subprocess.check_output(command, env={"PYTHONHASHSEED": other_seed}, text=True) == capsys.readouterr().out
