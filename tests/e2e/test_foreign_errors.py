"""Whatever is given where: an error of Naiad's comes out, or a result. Nothing of torch, pyarrow, Pillow or the system does."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from foreign_objects import OBJECTS, X
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

import naiad
from naiad.cli.main import main
from naiad.errors import InputError, LossNotFinite, NaiadError
from naiad.trainer.loop.progress import SilentProgress

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
    assert "error: unexpected" not in errors
    assert "Traceback" not in errors
