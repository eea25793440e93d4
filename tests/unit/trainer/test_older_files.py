"""Files that the version before issue 12 wrote (tests/fixtures/before_0012) load, and runs go on from them."""

import hashlib
import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

import naiad
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.plan.plan import Plan

FIXTURES = Path(__file__).parents[2] / "fixtures" / "before_0012"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())
NEWER_CHOICES = {"network_output": "logits", "muon_precision": "bf16", "restarts": ()}
"""Choices that the earlier version did not know, with the values that mean what it did."""
TINY = runpy.run_path(str(FIXTURES / "tiny.py"))


def _train(**options):
    torch.manual_seed(7)
    net, data = TINY["TinyRegressor"](), (TINY["inputs"](), TINY["values"]())
    return naiad.fit(net, data, task="regression", report=False, progress=SilentProgress(), **options)


def _check_weights(folder):
    """The same bits as the earlier version's on the kind of processor that it ran on, nearly the same on any."""
    file, expected = folder / "model.safetensors", safetensors.torch.load_file(FIXTURES / "followed.safetensors")
    for name, tensor in safetensors.torch.load_file(file).items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-4, atol=1e-5)
    if (torch.__version__, torch.backends.cpu.get_cpu_capability()) == (EXPECTED["torch"], EXPECTED["cpu"]):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == EXPECTED["model.safetensors"]


@pytest.mark.usefixtures("no_export")
def test_a_run_resumes_from_an_older_checkpoint(tmp_path):
    shutil.copytree(FIXTURES / "interrupted", tmp_path / "run")
    model = _train(out=tmp_path / "run", resume=True, seed=5)
    assert model.history[-1].step == EXPECTED["steps"]
    assert [record.epoch for record in model.history] == list(range(1, len(model.history) + 1))
    _check_weights(tmp_path / "run")


@pytest.mark.usefixtures("no_export")
def test_an_older_plan_is_followed(tmp_path):
    model = _train(plan=FIXTURES / "plan.json", out=tmp_path / "run")
    assert model.history[-1].step == EXPECTED["steps"]
    _check_weights(tmp_path / "run")


def test_an_older_plan_keeps_its_choices_and_reasons():
    older = json.loads((FIXTURES / "plan.json").read_text())
    plan = Plan.read(FIXTURES / "plan.json")
    del older["forecast"], older["reasons"]["forecast"]  # a choice that no longer exists
    assert len(plan.to_json()) == len(older) + len(NEWER_CHOICES)
    assert {name: getattr(plan, name) for name in NEWER_CHOICES} == NEWER_CHOICES
    assert [why.text for _, why in plan.reasons] == [why["text"] for why in older["reasons"].values()]
    assert (plan.total_steps, plan.learning_rate, plan.seed) == (36, 0.05, 5)


@pytest.mark.parametrize("as_module", [False, True])
@pytest.mark.parametrize(("name", "network"), [("classifier", "TinyClassifier"), ("clusters", "TinyAutoencoder")])
def test_an_older_artifact_predicts_as_it_did(name, network, as_module):
    model = naiad.load(FIXTURES / name, net=TINY[network] if as_module else None)
    prediction = model.predict(TINY["inputs"]())
    assert prediction.labels.tolist() == EXPECTED[name]["labels"]
    np.testing.assert_allclose(prediction.scores, EXPECTED[name]["scores"], rtol=1e-4, atol=1e-6)
    assert model.plan.batch_size == 10
