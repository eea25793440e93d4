"""Whatever is given where: an error of Naiad's comes out, or a result. Nothing of torch, pyarrow, Pillow or the system does."""

import datetime as dt
import decimal
import fractions
import io
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

import naiad
from naiad.cli.main import main
from naiad.errors import InputError, LossNotFinite, NaiadError
from naiad.trainer.loop.progress import SilentProgress

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

GARBAGE = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"\n\n\n",
    b"a,b\n1",
    b'"',
    b"PK\3\4",
    b"PAR1PAR1",
    b"\x89PNG\r\n\x1a\n",
    b"\x93NUMPY",
    b"{}",
)
SUFFIXES = (".csv", ".tsv", ".parquet", ".png", ".jpg", ".npy", ".py", ".json", ".idx", "-ubyte.gz", "")
NAMES_IN_FOLDERS = (
    "a.png",
    "cat/a.png",
    "train/a.png",
    "train/b/c.jpg",
    "data_batch_1",
    "naiad.json",
    "run.json",
    "x.csv",
)


def objects() -> st.SearchStrategy[Any]:
    """Strategy of the objects by name, of plain values, and of containers of both."""
    named = st.sampled_from(sorted(OBJECTS)).map(lambda name: OBJECTS[name]())
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
    leaves = named | plain
    return leaves | st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.tuples(inner, inner)
            | st.dictionaries(st.sampled_from(["train", "validation", "test", "x"]), inner, max_size=2)
        ),
        max_leaves=4,
    )


def make_garbage(folder: Path, content: bytes, suffix: str) -> Path:
    """Writes a file that is not what its name says."""
    path = folder / f"garbage{suffix}"
    path.write_bytes(content)
    return path


def make_folder_of_garbage(folder: Path, name: str, content: bytes) -> Path:
    """Makes a folder that looks like a data set or an artifact, with one file that is none."""
    path = folder / "folder" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return folder / "folder"


# ---- the tests

FAST: dict[str, Any] = {"measure_fraction": 0.0, "device": "cpu", "threads": 1, "optimizer": "sgd"}
TINY = (X, (X[:, 0] > 40).astype(int))
OPTIONS = (
    "validation",
    "epochs",
    "time_limit_s",
    "plan",
    "seed",
    "out",
    "resume",
    "task",
    "label",
    "image_size",
    "report",
)
OPTIONS += ("as_", "types", "progress")
given_anything = settings(
    max_examples=int(os.environ.get("NAIAD_FUZZ_EXAMPLES", "40")),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def call(function: Callable[[], Any]) -> None:
    """Calls the function; only errors that name what was given may come out."""
    error = error_of(function)
    assert error is None or isinstance(error, InputError | LossNotFinite), f"{type(error).__name__}: {error}"
    assert error is None or (str(error) and "\n" not in str(error))


def error_of(function: Callable[[], Any]) -> NaiadError | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what foreign libraries warn of is not the question here
        try:
            function()
        except NaiadError as error:
            return error
    return None


def fit(net: Any, data: Any, **options: Any) -> naiad.Model:
    return naiad.fit(net, data, **{"epochs": 1, "plan": FAST, "progress": SilentProgress(), "report": False, **options})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder, where a strange name makes a strange folder."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def models(home: Path) -> list[naiad.Model]:
    """A model for numbers, images and a table each; the first is saved in ``model``."""
    numbers = fit(nn.Linear(4, 2), TINY)
    numbers.save(home / "model")
    images = np.random.default_rng(0).integers(0, 255, (20, 1, 8, 8)).astype(np.uint8)
    table = pd.DataFrame({"a": range(20), "b": ["x", "y"] * 10, "label": [0, 1] * 10})
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    return [numbers, fit(flat, (images, TINY[1])), fit("mlp", table, label="label")]


@pytest.mark.parametrize("name", OBJECTS)
def test_every_kind_of_object_may_be_the_data(home: Path, name: str) -> None:
    call(lambda: fit(nn.Linear(4, 2), OBJECTS[name]()))
    call(lambda: naiad.inspect(OBJECTS[name]()))


@pytest.mark.parametrize("name", OBJECTS)
def test_every_kind_of_object_may_be_the_network(home: Path, name: str) -> None:
    call(lambda: fit(OBJECTS[name](), TINY))


@pytest.mark.parametrize("name", OBJECTS)
def test_every_kind_of_object_may_be_an_option(home: Path, name: str) -> None:
    for option in OPTIONS:
        call(lambda option=option: fit(nn.Linear(4, 2), TINY, **{option: OBJECTS[name]()}))  # type: ignore[misc]


@pytest.mark.parametrize("name", OBJECTS)
def test_every_kind_of_object_may_be_given_to_a_model(home: Path, models: list[naiad.Model], name: str) -> None:
    make = OBJECTS[name]
    for model in models:
        call(lambda model=model: model.predict(make()))  # type: ignore[misc]
        call(lambda model=model: model.evaluate(make()))  # type: ignore[misc]
        call(lambda model=model: model.evaluate((make(), TINY[1])))  # type: ignore[misc]
        call(lambda model=model: model.evaluate((TINY[0], make())))  # type: ignore[misc]
    model = models[0]
    call(lambda: model.save(make()))
    call(lambda: model.predict(X, batch_size=make()))
    call(lambda: model.evaluate(TINY, batch_size=make()))
    call(lambda: model.evaluate(TINY, split=make()))
    call(lambda: naiad.load(make()))
    call(lambda: naiad.load(home / "model", net=make()))
    call(lambda: naiad.load(home / "model", module=make()))


@pytest.mark.parametrize("name", OBJECTS)
def test_every_kind_of_object_may_be_inspected_with(name: str) -> None:
    for option in ("validation", "task", "label", "types", "image_size", "as_", "seed"):
        call(lambda option=option: naiad.inspect(TINY, **{option: OBJECTS[name]()}))  # type: ignore[misc]


@given(data=objects(), place=st.sampled_from(["all", "X", "y", "train", "test", "validation"]))
@given_anything
def test_data_of_any_shape(home: Path, data: Any, place: str) -> None:
    whole = {
        "all": data,
        "X": (data, TINY[1]),
        "y": (X, data),
        "train": {"train": data, "test": TINY},
        "test": {"train": TINY, "test": data},
        "validation": {"train": TINY, "validation": data},
    }
    call(lambda: fit(None, whole[place]))


@given(choices=st.dictionaries(st.sampled_from([*naiad.Plan.__dataclass_fields__, "x"]), objects(), max_size=3))
@given_anything
def test_plans_of_any_choices(home: Path, choices: dict[str, Any]) -> None:
    small = {name: value for name, value in choices.items() if name not in ("epochs", "measure_fraction")}
    call(lambda: fit(nn.Linear(4, 2), TINY, plan={**FAST, **small}))


@given(content=st.sampled_from(GARBAGE) | st.binary(max_size=40), suffix=st.sampled_from(SUFFIXES))
@given_anything
def test_files_of_any_content(home: Path, models: list[naiad.Model], content: bytes, suffix: str) -> None:
    path = make_garbage(home, content, suffix)
    call(lambda: fit(None, path))
    call(lambda: fit(str(path), TINY))
    call(lambda: fit(nn.Linear(4, 2), TINY, plan=path))
    for model in models:
        call(lambda model=model: model.predict(path))  # type: ignore[misc]
        call(lambda model=model: model.evaluate(path))  # type: ignore[misc]


@given(name=st.sampled_from(NAMES_IN_FOLDERS), content=st.sampled_from(GARBAGE) | st.binary(max_size=40))
@given_anything
def test_folders_of_any_content(home: Path, name: str, content: bytes) -> None:
    shutil.rmtree(home / "folder", ignore_errors=True)
    folder = make_folder_of_garbage(home, name, content)
    call(lambda: fit(None, folder))
    call(lambda: naiad.load(folder))
    call(lambda: fit(nn.Linear(4, 2), TINY, out=folder, resume=True))


@given(
    name=st.sampled_from(["naiad.json", "model.safetensors", "program.pt2", "features.pt2"]),
    content=st.binary(max_size=40),
)
@given_anything
def test_artifacts_with_a_file_of_any_content(home: Path, models: list[naiad.Model], name: str, content: bytes) -> None:
    shutil.rmtree(home / "copy", ignore_errors=True)
    shutil.copytree(home / "model", home / "copy")
    (home / "copy" / name).write_bytes(content)
    call(lambda: naiad.load(home / "copy"))


COMMANDS = (
    "train",
    "test",
    "predict",
    "inspect",
    "nets",
    "doctor",
    "version",
    "mlp",
    "auto",
    "iris",
    "nowhere",
    "model",
)
FLAGS = ("--epochs", "--seed", "--label", "--task", "--image-size", "--set", "--plan", "--validation", "--time-limit")
VALUES = (
    "--json",
    "--help",
    "--split",
    "--type",
    "--as",
    "--out",
    "1",
    "0",
    "-1",
    "x=1",
    "optimizer=sgd",
    "1s",
    "8x8",
    "",
)
WORDS = st.sampled_from((*COMMANDS, *FLAGS, *VALUES))
ENDLESS = {"serve", "demo", "verify-resume", "--resume"}


@given(words=st.lists(WORDS | st.text(max_size=6), max_size=6))
@given_anything
def test_commands_of_any_words(
    home: Path, models: list[naiad.Model], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if ENDLESS & set(words):
        return
    quick = ["--epochs", "1", "--set", "measure_fraction=0", "--no-report"] if words[:1] == ["train"] else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = main([*words, *quick])
    errors = capsys.readouterr().err
    assert status in (0, 2), errors
    assert "unexpected" not in errors
    assert "Traceback" not in errors
