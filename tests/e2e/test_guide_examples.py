"""The guide's programs run as they stand, on IDX files."""

import gzip
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

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


@pytest.fixture(autouse=True)
def _modules(monkeypatch):
    """Has the guide's modules be imported from their folder, as its programs import them, and forgets them afterwards."""
    monkeypatch.syspath_prepend(EXAMPLES)
    with torch.random.fork_rng():
        yield
    for name in ("main", "net", "train"):
        sys.modules.pop(name, None)


@pytest.fixture
def run_main(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["main.py", *arguments])
        runpy.run_path(str(EXAMPLES / "main.py"), run_name="__main__")

    return run


def test_main_trains_and_tests(idx_folder, run_main, capsys):
    run_main("--data", str(idx_folder), "--limit", "256", "--epochs", "1")
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 1: training loss 2.")
    assert last.startswith("test loss 2.")
    assert last.endswith("%")


def test_its_parts_can_be_imported_and_they_learn(idx_folder):
    from main import loaders, test  # noqa: PLC0415  # reason: of the guide's folder
    from net import Net, SimpleNet  # noqa: PLC0415  # reason: as above
    from train import train  # noqa: PLC0415  # reason: as above

    torch.manual_seed(0)
    batches, held_out = loaders(idx_folder)
    model = SimpleNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = [train(model, batches, optimizer, epoch) for epoch in range(1, 6)]
    _, accuracy = test(model, held_out)
    assert losses[-1] < losses[0] / 2, losses
    assert accuracy > 0.9
    assert Net()(torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_a_folder_without_the_files_is_told(tmp_path, run_main, capsys):
    with pytest.raises(SystemExit) as ended:
        run_main("--data", str(tmp_path))
    assert ended.value.code == 2
    assert "train-images-idx3-ubyte" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
