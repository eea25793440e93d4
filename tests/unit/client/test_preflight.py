"""A pre-flight runs here what the job would run, and leaves no files."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from naiad.client.job_input import JobInput
from naiad.client.job_network import JobNetwork
from naiad.client.preflight import preflight
from naiad.errors import DataError, NetworkError, OptionError

NET = """
import torch
from torch import nn

class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear({inputs}, 2)

    def forward(self, inputs):
        return self.linear(inputs)
"""
NO_STORE = None
"""A pre-flight of local data sends nothing to a server."""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [f"{n % 7},{n % 5},{'ab'[n % 2]}" for n in range(80)]
    (tmp_path / "table.csv").write_text("\n".join(["x,y,kind", *rows]) + "\n")
    return tmp_path / "table.csv"


@pytest.fixture(autouse=True)
def empty_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fails a test that leaves a file in the temporary folder."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


def own_network(table: Path, inputs: int) -> JobInput:
    """A job with a network of the user's, which takes so many inputs."""
    network = JobNetwork("net.py:Mine", "net.py", NET.format(inputs=inputs).encode())
    return JobInput({"net": "net.py:Mine", "label": "kind"}, {"train": table}, network)


def mlp(source: str | Path, **hyperparameters: str) -> JobInput:
    return JobInput({"net": "mlp", **hyperparameters}, {"train": source}, JobNetwork("mlp"))


def test_a_good_job_passes(table: Path) -> None:
    preflight(mlp(table, **{"label": "kind", "epochs": "3", "plan.batch_size": "16"}), NO_STORE)


def test_the_network_is_made_from_the_source_that_is_sent(table: Path) -> None:
    before = set(sys.modules)
    preflight(own_network(table, inputs=2), NO_STORE)
    assert [name for name in set(sys.modules) - before if name.startswith("_naiad_network")] == []
    with pytest.raises(NetworkError, match="9"):
        preflight(own_network(table, inputs=9), NO_STORE)


@pytest.mark.parametrize(
    ("hyperparameters", "error", "message"),
    [
        ({"label": "kindd"}, DataError, "kindd"),
        ({"label": "kind", "epochs": "many"}, OptionError, "epochs"),
        ({"label": "kind", "plan.batch_sise": "3"}, OptionError, "batch_sise"),
        ({"label": "kind", "time_limit": "soon"}, OptionError, "'soon' is not a duration"),
        ({"label": "kind", "task": "regresion"}, (DataError, OptionError), "regresion"),
    ],
)
def test_an_input_that_the_job_would_refuse_is_refused(
    table: Path, hyperparameters: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        preflight(mlp(table, **hyperparameters), NO_STORE)


def test_data_that_cannot_be_read_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"this is no parquet")
    with pytest.raises(DataError, match=r"broken\.parquet"):
        preflight(mlp(tmp_path / "broken.parquet"), NO_STORE)


def test_data_in_the_store_is_sampled(service: Any, table: Path) -> None:
    store = service.client("s3")
    store.upload_file(str(table), "naiad", "in/table.csv")
    preflight(mlp("s3://naiad/in/", label="kind"), store)
    with pytest.raises(DataError, match="nothing"):
        preflight(mlp("s3://naiad/in/", label="nothing"), store)
