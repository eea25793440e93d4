"""CIFAR batches, whose pickles may not run code."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy._core.multiarray import _reconstruct

from naiad.errors import DataError
from naiad.trainer.data.sources.cifar import is_cifar, open_cifar, read_batch


def write(path: Path, content: dict[Any, Any], *, protocol: int = 2) -> None:
    path.write_bytes(pickle.dumps(content, protocol=protocol))


def batch(count: int) -> dict[Any, Any]:
    return {b"data": np.arange(count * 3072, dtype=np.uint8).reshape(count, 3072), b"labels": [0, 1] * (count // 2)}


@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar10(tmp_path: Path, protocol: int) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for number in range(1, 6):
        write(folder / f"data_batch_{number}", batch(4), protocol=protocol)
    write(folder / "test_batch", batch(2), protocol=protocol)
    write(folder / "batches.meta", {b"label_names": [b"airplane", b"automobile"]}, protocol=protocol)
    assert is_cifar(tmp_path)
    raw = open_cifar(tmp_path)
    assert raw.classes == ("airplane", "automobile")
    assert raw.splits["train"].inputs.shape == (20, 3, 32, 32)
    assert len(raw.splits["test"]) == 2


def test_cifar100_has_fine_labels(tmp_path: Path) -> None:
    content = {"data": batch(2)[b"data"], "fine_labels": [3, 4], "coarse_labels": [0, 0]}
    write(tmp_path / "train", content)
    write(tmp_path / "test", content)
    write(tmp_path / "meta", {"fine_label_names": [f"c{index}" for index in range(5)]})
    raw = open_cifar(tmp_path)
    assert raw.splits["train"].targets is not None
    assert raw.splits["train"].targets.tolist() == [3, 4]
    assert raw.classes[3] == "c3"


class Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


def test_code_in_a_pickle_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "data_batch_1", {"data": Harmful()})
    with pytest.raises(DataError, match="refers to"):
        read_batch(tmp_path / "data_batch_1")


class HugeArray:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self._reduced = call, arguments

    def __reduce__(self) -> Any:
        return self._reduced


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (HugeArray(np.ndarray, (10**12,), np.dtype("u1")), "not callable"),
        (HugeArray(_reconstruct, np.ndarray, (10**12,), b"b"), "larger than the batch"),
    ],
)
def test_a_pickle_cannot_ask_for_more_memory_than_it_fills(tmp_path: Path, array: HugeArray, message: str) -> None:
    write(tmp_path / "data_batch_1", {"data": array})
    with pytest.raises(DataError, match=message):
        read_batch(tmp_path / "data_batch_1")


def test_objects_in_arrays_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "data_batch_1", {"data": np.array([None])})
    with pytest.raises(DataError, match="not of numbers"):
        read_batch(tmp_path / "data_batch_1")


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(batch(2))[:100])
    with pytest.raises(DataError, match="no CIFAR batch"):
        open_cifar(tmp_path)
