"""IDX files: one, a folder of them, and damaged ones."""

import gzip
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.sources.idx import is_idx, open_idx, read_idx


def idx_bytes(values: npt.NDArray[np.uint8]) -> bytes:
    header = struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.tobytes()


IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([0, 1, 1], np.uint8)


def write_family(folder: Path) -> None:
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(IMAGES), mtime=0))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(LABELS), mtime=0))
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[:2]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS[:2]))


def test_folder_of_plain_and_gzipped_files(tmp_path: Path) -> None:
    write_family(tmp_path)
    assert is_idx(tmp_path)
    raw = open_idx(tmp_path)
    assert {key: len(split) for key, split in raw.splits.items()} == {"train": 3, "test": 2}
    assert raw.splits["train"].inputs.shape == (3, 1, 4, 5)
    assert raw.splits["train"].inputs.dtype is torch.uint8
    assert raw.splits["train"].targets is not None
    assert raw.splits["train"].targets.tolist() == [0, 1, 1]


def test_torchvision_layout(tmp_path: Path) -> None:
    (tmp_path / "FashionMNIST" / "raw").mkdir(parents=True)
    write_family(tmp_path / "FashionMNIST" / "raw")
    assert len(open_idx(tmp_path).splits["test"]) == 2


def test_one_file_finds_its_labels(tmp_path: Path) -> None:
    write_family(tmp_path)
    raw = open_idx(tmp_path / "t10k-images-idx3-ubyte")
    assert list(raw.splits) == ["train"]
    assert len(raw.splits["train"]) == 2
    assert raw.splits["train"].targets is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x01\x02\x03\x04abc", "no IDX file"),
        (b"", "no IDX file"),
        (idx_bytes(IMAGES)[:-7], "truncated"),
        (idx_bytes(IMAGES)[:9], "truncated"),
        (idx_bytes(IMAGES) + b"x", "too long"),
        (gzip.compress(idx_bytes(IMAGES), mtime=0)[:-12], "damaged gzip"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(path)


def test_too_many_labels_are_an_error(tmp_path: Path) -> None:
    write_family(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    with pytest.raises(DataError, match="2 images"):
        open_idx(tmp_path)
