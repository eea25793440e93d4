"""The guide's network on real images, through the command that a newcomer types."""

import json

import pytest

from naiad.cli.main import main
from naiad.trainer.data.sources.open import open_source


@pytest.mark.slow
def test_simplenet_learns_fashion_mnist(tmp_path, capsys):
    if open_source("fashion-mnist").name != "fashion-mnist":
        pytest.skip("Fashion-MNIST is not on this machine and cannot be downloaded")
    assert main(["train", "simplenet", "fashion-mnist", "--epochs", "2", "--out", str(tmp_path / "run"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["evaluations"]["test"]["metrics"]["accuracy"] > 0.85
    assert result["evaluations"]["test"]["samples"] == 10_000
