"""A pre-flight runs what the job would run, here, and leaves nothing."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from naiad.client.network import SentNetwork
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
NOWHERE = None
"""No store: it is an error to ask one."""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [f"{n % 7},{n % 5},{'ab'[n % 2]}" for n in range(80)]
    (tmp_path / "table.csv").write_text("\n".join(["x,y,kind", *rows]) + "\n")
    return tmp_path / "table.csv"


@pytest.fixture(autouse=True)
def empty_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nothing is left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


def source(inputs: int) -> SentNetwork:
    return SentNetwork("net.py:Mine", "net.py", NET.format(inputs=inputs).encode())


def test_a_good_job_passes(table: Path) -> None:
    preflight(
        {"net": "mlp", "label": "kind", "epochs": "3", "plan.batch_size": "16"},
        {"train": table},
        SentNetwork("mlp"),
        NOWHERE,
    )


def test_the_network_is_made_from_what_is_sent(table: Path) -> None:
    before = set(sys.modules)
    preflight({"net": "net.py:Mine", "label": "kind"}, {"train": table}, source(2), NOWHERE)
    assert [name for name in set(sys.modules) - before if name.startswith("_naiad_network")] == []
    with pytest.raises(NetworkError, match="9"):
        preflight({"net": "net.py:Mine", "label": "kind"}, {"train": table}, source(9), NOWHERE)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"label": "kindd"}, DataError, "kindd"),
        ({"label": "kind", "epochs": "many"}, OptionError, "epochs"),
        ({"label": "kind", "plan.batch_sise": "3"}, OptionError, "batch_sise"),
        ({"label": "kind", "time_limit": "soon"}, OptionError, "'soon' is not a duration"),
        ({"label": "kind", "task": "regresion"}, (DataError, OptionError), "regresion"),
    ],
)
def test_what_the_job_would_refuse_is_refused(
    table: Path, given: dict[str, str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        preflight({"net": "mlp", **given}, {"train": table}, SentNetwork("mlp"), NOWHERE)


def test_data_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"this is no parquet")
    with pytest.raises(DataError, match=r"broken\.parquet"):
        preflight({"net": "mlp"}, {"train": tmp_path / "broken.parquet"}, SentNetwork("mlp"), NOWHERE)


def test_data_in_the_store_is_sampled(service: Any, table: Path) -> None:
    store = service.client("s3")
    store.upload_file(str(table), "naiad", "in/table.csv")
    preflight({"net": "mlp", "label": "kind"}, {"train": "s3://naiad/in/"}, SentNetwork("mlp"), store)
    with pytest.raises(DataError, match="nothing"):
        preflight({"net": "mlp", "label": "nothing"}, {"train": "s3://naiad/in/"}, SentNetwork("mlp"), store)
