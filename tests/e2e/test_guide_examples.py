"""The guide's programs run as they stand, on IDX files."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "guide"


@pytest.fixture
def idx_folder(tmp_path):
    """Ten classes of 28×28 images, each class a bright row of its own: 640 to train on, gzipped, and 64 to test on, plain."""
    labels_N = np.arange(640, dtype=np.uint8) % 10
    images_NHW = np.random.default_rng(0).integers(0, 60, (640, 28, 28), dtype=np.uint8)
    images_NHW[np.arange(640), 2 * labels_N + 4] = 255
    with gzip.open(tmp_path / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(_idx(images_NHW))
    with gzip.open(tmp_path / "train-labels-idx1-ubyte.gz", "wb") as file:
        file.write(_idx(labels_N))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(_idx(images_NHW[:64]))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(_idx(labels_N[:64]))
    return tmp_path


def _idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    return header + array.tobytes()


def _run(code_or_file, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, *code_or_file, *arguments],
        cwd=EXAMPLES,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_main_trains_and_tests(idx_folder):
    done = _run(["main.py"], "--data", str(idx_folder), "--limit", "512", "--epochs", "1")
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith("epoch 1: training loss 2.")
    assert last.startswith("test loss 2.")
    assert last.endswith("%")


LEARNS = """
import sys, torch
from pathlib import Path
from main import loaders, test
from net import Net, SimpleNet
from train import train

torch.manual_seed(0)
batches, held_out = loaders(Path(sys.argv[1]))
model = SimpleNet()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
losses = [train(model, batches, optimizer, epoch) for epoch in range(1, 6)]
loss, accuracy = test(model, held_out)
assert losses[-1] < losses[0] / 2, losses
assert accuracy > 0.9, accuracy
assert Net()(torch.rand(2, 3, 32, 32)).shape == (2, 10)
"""


def test_its_parts_can_be_imported_and_they_learn(idx_folder):
    done = _run(["-c", LEARNS], str(idx_folder))
    assert done.returncode == 0, done.stderr


def test_a_folder_without_the_files_is_told(tmp_path):
    done = _run(["main.py"], "--data", str(tmp_path))
    assert done.returncode == 2
    assert "train-images-idx3-ubyte" in done.stderr
    assert not list(tmp_path.iterdir())
