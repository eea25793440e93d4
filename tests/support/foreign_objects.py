"""Objects of many kinds, by name, that a user may give where something else is meant."""

import datetime as dt
import decimal
import fractions
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

BROKEN = RuntimeError("a foreign error\nof two lines")


class Failing:
    """Fails whatever is asked of it."""

    def __len__(self) -> int:
        raise BROKEN

    def __getitem__(self, index: object) -> object:
        raise BROKEN

    def __iter__(self) -> Iterator[object]:
        raise BROKEN

    def __array__(self, *arguments: object, **options: object) -> object:
        raise BROKEN

    def __fspath__(self) -> str:
        raise BROKEN

    def __eq__(self, other: object) -> bool:
        raise BROKEN

    def __hash__(self) -> int:
        return 1

    def __float__(self) -> float:
        raise BROKEN

    def __index__(self) -> int:
        raise BROKEN

    def __str__(self) -> str:
        raise BROKEN

    def __repr__(self) -> str:
        return "Failing()"


class FailingDataset(Dataset[Any]):
    def __init__(self, items: int = 20, first_error: int = 0) -> None:
        self.items, self.first_error = items, first_error

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, index: int) -> Any:
        if index >= self.first_error:
            raise BROKEN
        return torch.zeros(4), 0


class Items(Dataset[Any]):
    """A dataset of the items that it is given."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        yield torch.zeros(4), 0
        raise BROKEN


class NotInitialised(nn.Module):
    def __init__(self) -> None:
        pass


class FailingNetwork(nn.Module):
    """Fails in its forward pass, in training mode only where ``in_eval`` is False."""

    def __init__(self, *, in_eval: bool = True) -> None:
        super().__init__()
        self.out, self.in_eval = nn.Linear(4, 2), in_eval

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training or self.in_eval:
            raise BROKEN
        result: torch.Tensor = self.out(inputs)
        return result


class FailingConstructor(nn.Module):
    def __init__(self) -> None:
        raise BROKEN


class Sparse(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.out(inputs)
        return result.to_sparse()


def generator() -> Iterator[int]:
    yield 1
    raise BROKEN


def object_array(items: list[Any]) -> Any:
    array = np.empty(len(items), dtype=object)
    for index, item in enumerate(items):
        array[index] = item
    return array


def circle() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


X = np.arange(80, dtype=np.float32).reshape(20, 4)
OBJECTS: dict[str, Callable[[], Any]] = {
    # plain values
    "None": lambda: None,
    "True": lambda: True,
    "0": lambda: 0,
    "1": lambda: 1,
    "-1": lambda: -1,
    "10**400": lambda: 10**400,
    "0.5": lambda: 0.5,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "1j": lambda: 1j,
    "''": lambda: "",
    "' '": lambda: " ",
    "auto": lambda: "auto",
    "iris": lambda: "iris",
    "mlp": lambda: "mlp",
    "a word": lambda: "nothing-of-this-name",
    "null character": lambda: "a\0b",
    "half a character": lambda: "caf\udce9",
    "a long text": lambda: "x" * 5_000,
    "home of nobody": lambda: "~nobody-of-this-name/x",
    "a parent": lambda: "..",
    "bytes": lambda: b"bytes",
    "bytearray": lambda: bytearray(b"bytes"),
    "Path": lambda: Path("nowhere"),
    "Path('')": Path,
    "/dev/null": lambda: "/dev/null",
    "/proc/self/mem": lambda: "/proc/self/mem",
    "Decimal": lambda: decimal.Decimal("0.1"),
    "Fraction": lambda: fractions.Fraction(1, 3),
    "date": lambda: dt.date(2024, 2, 29),
    "np.float32": lambda: np.float32(3),
    "np.int64": lambda: np.int64(3),
    "np.bool": lambda: np.bool_(True),
    "object": object,
    "Failing": Failing,
    "Ellipsis": lambda: ...,
    "type": lambda: int,
    "function": lambda: len,
    "lambda": lambda: lambda: None,
    "module": lambda: os,
    "open file": io.StringIO,
    "generator": generator,
    "exception": lambda: ValueError("a value"),
    "range": lambda: range(20),
    # containers
    "[]": list,
    "()": tuple,
    "{}": dict,
    "set": lambda: {1, 2},
    "circle": circle,
    "ragged": lambda: [[1], [1, 2]],
    "mixed": lambda: [1, "a", None, [2]],
    "list of None": lambda: [None] * 20,
    "list of Failing": lambda: [Failing()] * 20,
    "list of dicts": lambda: [{"a": 1, "label": "x"}, {"b": 2}],
    "list of lists": X.tolist,
    "list of tuples": lambda: [(1, 2, 3, 4)] * 20,
    "list of paths": lambda: ["nowhere.png"] * 3,
    "four": lambda: (X, X, X, X),
    "dict of columns": lambda: {"a": [1, 2], "b": [3]},
    "dict with other keys": lambda: {"trian": X},
    "dict of None": lambda: {"train": None},
    "dict with numbers as keys": lambda: {1: X, None: X},
    "dict with train": lambda: {"train": (X, X[:, 0] > 40), "test": "nowhere"},
    # arrays
    "0-d array": lambda: np.array(3.0),
    "empty array": lambda: np.empty((0, 4), np.float32),
    "array without columns": lambda: np.empty((20, 0), np.float32),
    "array": lambda: X,
    "NaN": lambda: np.full((20, 4), np.nan, np.float32),
    "huge": lambda: np.full((20, 4), 1e308),
    "complex": lambda: X.astype(np.complex64),
    "object array": lambda: np.array([object()] * 20),
    "array of Failing": lambda: object_array([Failing()] * 20),
    "datetime64": lambda: np.arange(20).astype("datetime64[D]"),
    "structured": lambda: np.zeros(20, dtype=[("a", "f4"), ("b", "U3")]),
    "text array": lambda: np.array(["a", "b"] * 10),
    "bytes array": lambda: np.array([b"a", b"b"] * 10),
    "bool array": lambda: X > 40,
    "five axes": lambda: np.zeros((4, 2, 2, 2, 2), np.float32),
    "masked": lambda: np.ma.masked_array(X, X > 40),
    "float16": lambda: X.astype(np.float16),
    "big-endian": lambda: X.astype(">f4"),
    "negative strides": lambda: X[::-1],
    # tensors
    "tensor": lambda: torch.from_numpy(X),
    "tensor with gradient": lambda: torch.from_numpy(X).requires_grad_(),
    "complex tensor": lambda: torch.zeros(20, 4, dtype=torch.complex64),
    "sparse tensor": lambda: torch.from_numpy(X).to_sparse(),
    "meta tensor": lambda: torch.zeros(20, 4, device="meta"),
    "quantised tensor": lambda: torch.quantize_per_tensor(torch.from_numpy(X), 0.1, 0, torch.qint8),
    "bfloat16 tensor": lambda: torch.from_numpy(X).bfloat16(),
    "nested tensor": lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
    "0-d tensor": lambda: torch.tensor(1),
    "list of tensors": lambda: [torch.zeros(4)] * 20,
    # tables and images
    "frame": lambda: pd.DataFrame({"a": range(20), "label": ["x", "y"] * 10}),
    "frame without rows": lambda: pd.DataFrame({"a": [], "label": []}),
    "frame without columns": lambda: pd.DataFrame(index=range(20)),
    "two columns of one name": lambda: pd.DataFrame([[1, 2]] * 20, columns=["a", "a"]),
    "columns of columns": lambda: pd.DataFrame(X, columns=pd.MultiIndex.from_product([["a", "b"], [1, 2]])),
    "numbers as columns": lambda: pd.DataFrame(X),
    "frame of objects": lambda: pd.DataFrame({"a": [object()] * 20, "label": [0, 1] * 10}),
    "frame of intervals": lambda: pd.DataFrame({"a": pd.interval_range(0, 20), "label": [0, 1] * 10}),
    "series": lambda: pd.Series(range(20)),
    "index": lambda: pd.Index(range(20)),
    "arrow table": lambda: pa.table({"a": range(20), "label": ["x", "y"] * 10}),
    "nested arrow": lambda: pa.table({"a": [[1, 2]] * 20, "label": [{"x": 1}] * 20}),
    "arrow without columns": lambda: pa.table({}),
    "arrow of nulls": lambda: pa.table({"a": pa.nulls(20), "label": pa.nulls(20)}),
    "arrow array": lambda: pa.array(range(20)),
    "image": lambda: Image.new("RGB", (8, 8)),
    "image of nothing": lambda: Image.new("L", (0, 0)),
    "closed image": lambda: Image.new("L", (4, 4)).close(),
    "list of images": lambda: [Image.new("L", (8, 8)), Image.new("CMYK", (4, 9))],
    # datasets
    "failing dataset": FailingDataset,
    "dataset failing late": lambda: FailingDataset(first_error=15),
    "dataset without items": Items,
    "dataset of texts": lambda: Items(*["text"] * 20),
    "dataset of dicts": lambda: Items(*[{"x": torch.zeros(4), "y": 0}] * 20),
    "dataset of three": lambda: Items(*[(torch.zeros(4), 0, 1)] * 20),
    "dataset of shapes": lambda: Items(*[(torch.zeros(n % 3 + 1), n % 2) for n in range(20)]),
    "dataset of None": lambda: Items(*[(None, None)] * 20),
    "stream": Stream,
    "loader": lambda: DataLoader(Items(*[(torch.zeros(4), 0)] * 20), batch_size=3),
    # networks
    "network": lambda: nn.Linear(4, 2),
    "network class": lambda: nn.Linear,
    "network without parameters": nn.ReLU,
    "network that is not initialised": NotInitialised,
    "network that fails": FailingNetwork,
    "network that fails in training": lambda: FailingNetwork(in_eval=False),
    "class that fails": lambda: FailingConstructor,
    "network on meta": lambda: nn.Linear(4, 2, device="meta"),
    "network of doubles": lambda: nn.Linear(4, 2).double(),
    "complex network": lambda: nn.Linear(4, 2, dtype=torch.complex64),
    "sparse network": Sparse,
    "empty list of networks": nn.ModuleList,
    "list of networks": lambda: nn.ModuleList([nn.Linear(4, 2)]),
    "file of a network": lambda: "nowhere.py:Net",
    "transformer": lambda: nn.Transformer(8, 2, 1, 1, 8),
    "loss": nn.CrossEntropyLoss,
    "optimizer": lambda: torch.optim.SGD([nn.Parameter(torch.zeros(1))]),
    "state": lambda: nn.Linear(4, 2).state_dict(),
}
