"""The example that predicts in C++, without Python: built, and compared with ``Model.predict``."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import naiad

pytestmark = pytest.mark.slow
EXAMPLE = Path(__file__).parents[2] / "examples" / "cpp" / "predict"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("predict")
    for command in (
        ["cmake", "-S", str(EXAMPLE), "-B", str(build), f"-DPython3_EXECUTABLE={sys.executable}"],
        ["cmake", "--build", str(build)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return build / "predict"


def run(program: Path, *words: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def test_the_same_classes_and_scores_as_in_python(program: Path, trained: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(2).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    paths = []
    for number, image in enumerate(images):
        paths.append(tmp_path / f"{number}.pgm")
        Image.fromarray(image).save(paths[-1])
    expected = naiad.load(trained / "run").predict(images)
    done = run(program, trained / "run", *paths)
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows] == [[str(path), label] for path, label in zip(paths, expected.labels, strict=True)]
    np.testing.assert_allclose([float(row[2]) for row in rows], expected.scores.max(axis=1), atol=1e-3)


def test_what_it_cannot_use_is_told(program: Path, trained: Path, tmp_path: Path) -> None:
    Image.new("L", (9, 8)).save(tmp_path / "wide.pgm")
    (tmp_path / "no.pgm").write_text("P2")
    for words, said in (
        ((trained / "run", tmp_path / "wide.pgm"), "wide.pgm is 1x8x9, but the model takes 1x8x8"),
        ((trained / "run", tmp_path / "no.pgm"), "no.pgm is no binary PGM or PPM"),
        ((trained / "run", tmp_path / "gone.pgm"), "gone.pgm cannot be opened"),
        ((tmp_path, tmp_path / "wide.pgm"), "is no artifact"),
        ((), "usage"),
    ):
        done = run(program, *words)
        assert done.returncode == 2
        assert said in done.stderr
