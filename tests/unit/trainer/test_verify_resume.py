"""Runs that are killed with SIGKILL, and proofs that fail."""

import sys

import pytest
import safetensors.torch
import torch

from naiad.errors import TrainingError
from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.verify_resume import _differing_tensors, verify_resume

TRAIN = (sys.executable, "-m", "naiad.cli", "train")


@pytest.mark.slow
@pytest.mark.parametrize(("net", "data"), [("mlp", "digits"), ("simplenet", "fashion-mnist")])
def test_a_killed_run_ends_with_the_same_bits(net, data):
    lines = []
    proof = verify_resume([*TRAIN, net, data], kills=2, epochs=2, seed=3, report=lines.append)
    assert proof.equal, proof.differing
    assert len(proof.steps) == 2
    assert all(step >= 0 for step in proof.steps)
    assert lines[-1].startswith("kill 2 of 2 after step")


FAILS = "import sys; sys.stderr.write(\"no network is called 'nothing'\"); sys.exit(2)"


def test_a_run_that_fails_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match=r"exit status 2.*no network is called 'nothing'"):
        verify_resume([sys.executable, "-c", FAILS, "nothing", "digits"], kills=1)


@pytest.mark.usefixtures("no_export")
def test_a_single_bit_is_found(tmp_path):
    X, y = torch.rand(40, 3), torch.arange(40) % 2
    for name in ("one", "other"):
        fit("mlp", (X, y), epochs=1, out=tmp_path / name, report=False, progress=SilentProgress())
    assert _differing_tensors(tmp_path / "one", tmp_path / "other") == []
    file = tmp_path / "other" / "model.safetensors"
    weights = safetensors.torch.load_file(file)
    name = next(name for name in weights if name.startswith("net.") and weights[name].is_floating_point())
    weights[name].view(torch.int32).flatten()[0] ^= 1
    safetensors.torch.save_file(weights, file)
    assert _differing_tensors(tmp_path / "one", tmp_path / "other") == [name]
