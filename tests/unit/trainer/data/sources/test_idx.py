"""IDX files: one, a folder of them, and damaged ones."""

import gzip
import struct
import tracemalloc
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
        (gzip.compress(idx_bytes(IMAGES)[:-7], mtime=0), "truncated"),
        (gzip.compress(idx_bytes(IMAGES) + b"x", mtime=0), "too long"),
        (b"\0\0\x08\xff" + bytes(4 * 255), "no IDX file"),
        (b"\0\0\x08\x03" + b"\xff" * 12 + b"x", "truncated: it holds 17 bytes at most"),
        (gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12, mtime=0), "truncated: it holds .* bytes at most"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(path)


def test_a_packed_file_is_not_unpacked_beyond_what_its_header_says(tmp_path: Path) -> None:
    """A bomb of 400 MB in 0.4 MB, behind a header of 60 pixels."""
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(IMAGES) + bytes(400 * 2**20), compresslevel=9, mtime=0))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="too long"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


def test_more_values_than_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(idx_bytes(IMAGES))
    monkeypatch.setattr("naiad.trainer.data.sources.idx.free_memory_bytes", lambda: 59)
    with pytest.raises(DataError, match="holds 60 bytes of values, and 59 bytes of memory are free"):
        read_idx(path)


@pytest.mark.parametrize("kind", [0x0B, 0x0D, 0x0E])
def test_numbers_of_several_bytes_and_no_numbers(tmp_path: Path, kind: int) -> None:
    dtype = {0x0B: ">i2", 0x0D: ">f4", 0x0E: ">f8"}[kind]
    path = tmp_path / "train-labels-idx1-ubyte"
    for values in (np.array([[1, -2], [3, 4]], dtype), np.zeros((0, 2), dtype)):
        path.write_bytes(struct.pack(">BBBB", 0, 0, kind, 2) + struct.pack(">2I", *values.shape) + values.tobytes())
        read = read_idx(path)
        assert read.dtype.isnative
        assert read.flags.writeable
        assert np.array_equal(read, values)


def test_too_many_labels_are_an_error(tmp_path: Path) -> None:
    write_family(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    with pytest.raises(DataError, match="2 images"):
        open_idx(tmp_path)
