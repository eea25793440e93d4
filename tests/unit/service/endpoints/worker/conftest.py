"""Fixtures: a small artifact, trained once."""

from pathlib import Path

import numpy as np
import pytest

import naiad
from naiad.trainer.loop.progress import SilentProgress


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """Images of two classes, dark and bright, uint8 (40, 1, 8, 8)."""
    random = np.random.default_rng(0)
    return (random.integers(0, 60, (40, 1, 8, 8)) + np.repeat([0, 150], 20)[:, None, None, None]).astype(np.uint8)


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory, images: np.ndarray) -> Path:
    labels = np.repeat(["dark", "bright"], 20)
    folder = tmp_path_factory.mktemp("artifact") / "run"
    naiad.fit("mlp", (images[:, 0], labels), epochs=1, report=False, progress=SilentProgress()).save(folder)
    return folder
