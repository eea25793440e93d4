"""Small real data, and one small run that the tests share."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from naiad.cli.main import main


def write_photos(folder: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 20) -> Path:
    """A folder of images a class: 8×8 grey, each class of its own brightness."""
    random = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = random.integers(0, 60, (8, 8)) + 150 * number
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("trained")
    write_photos(home / "photos")
    arguments = ["train", "mlp", str(home / "photos"), "--epochs", "2", "--out", str(home / "run")]
    assert main(arguments) == 0
    return home


@pytest.fixture
def trained(_trained: Path, tmp_path: Path) -> Path:
    """A folder with ``photos`` and ``run``, of its own for each test."""
    return Path(shutil.copytree(_trained, tmp_path / "trained"))
