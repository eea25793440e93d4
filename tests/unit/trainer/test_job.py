"""The trainer as a job's program: what it reads of the contract, and what it leaves where the contract says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from naiad.errors import OptionError
from naiad.trainer.job import fit_arguments, main, meeting, publish

TABLE = "\n".join(["x,y,kind", *(f"{n % 7},{n % 5},{'ab'[n % 2]}" for n in range(80))]) + "\n"


def channels(**paths: str) -> dict[str, str]:
    return {"SM_CHANNELS": json.dumps(list(paths)), **{f"SM_CHANNEL_{name.upper()}": at for name, at in paths.items()}}


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """The folders and variables of a job with a table for its data."""

    def made(**given: Any) -> Path:
        for name in ("model", "output", "checkpoints", "train"):
            (tmp_path / name).mkdir()
        (tmp_path / "train" / "table.csv").write_text(TABLE)
        variables = {
            "SM_HPS": json.dumps(given),
            "SM_CHECKPOINT_DIR": str(tmp_path / "checkpoints"),
            "SM_MODEL_DIR": str(tmp_path / "model"),
            "SM_OUTPUT_DIR": str(tmp_path / "output"),
            **channels(train=str(tmp_path / "train")),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return tmp_path

    return made


def test_a_whole_job(contract: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    at = contract(net="mlp", label="kind", epochs=2, report="false")
    assert main() == 0
    assert (at / "model" / "naiad.json").is_file()
    assert not (at / "model" / "checkpoints").exists()
    assert not (at / "model" / "run.json").exists()
    assert (at / "checkpoints" / "naiad-run" / "checkpoints").is_dir()
    assert not (at / "output" / "failure").exists()
    assert "accuracy" in json.loads(capsys.readouterr().out.splitlines()[-1])["evaluations"]["validation"]


def test_unusable_input_is_told_in_the_failure_file(
    contract: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    at = contract(net="mlp", label="kindd")
    assert main() == 2
    failure = (at / "output" / "failure").read_text()
    assert "kindd" in failure
    assert f"error: {failure}" in capsys.readouterr().out


def test_text_becomes_fits_arguments() -> None:
    given = {"net": "auto", "epochs": 3, "time_limit": "90s", "image_size": "32x48", "plan.batch_size": 64, "label": 7}
    arguments = fit_arguments({**given, "report": "no"}, channels(train="/data"))
    assert arguments == {
        "net": None,
        "data": "/data",
        "validation": None,
        "epochs": 3,
        "time_limit_s": 90.0,
        "plan": {"batch_size": 64},
        "seed": 0,
        "task": None,
        "label": "7",
        "image_size": (32, 48),
        "report": False,
    }


def test_channels_are_data_validation_test_and_code() -> None:
    environment = channels(training="/t", validation="/v", test="/x", code="/c")
    arguments = fit_arguments({"net": "net.py:Mine"}, environment)
    assert arguments["data"] == {"train": "/t", "test": "/x"}
    assert arguments["validation"] == "/v"
    assert arguments["net"] == "/c/net.py:Mine"


def test_a_data_sets_name_stands_in_for_a_channel() -> None:
    assert fit_arguments({"data": "digits", "validation": "held-out"}, {})["data"] == "digits"
    with pytest.raises(OptionError, match="there is no data"):
        fit_arguments({}, {})


def test_an_unknown_hyperparameter_names_the_nearest() -> None:
    with pytest.raises(OptionError, match="'epoch' is no hyperparameter") as told:
        fit_arguments({"epoch": 3}, channels(train="/data"))
    assert told.value.hint == "did you mean 'epochs'?"


def test_what_the_run_needed_to_go_on_is_not_published(tmp_path: Path) -> None:
    for name in ("run/checkpoints", "run/report", "model"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("run.json", "naiad.json", "report/curve.png", "checkpoints/step"):
        (tmp_path / "run" / name).write_text("x")
    publish(tmp_path / "run", tmp_path / "model")
    found = sorted(path.relative_to(tmp_path / "model").as_posix() for path in (tmp_path / "model").rglob("*"))
    assert found == ["naiad.json", "report", "report/curve.png"]


def test_the_instances_of_a_job_meet_at_the_first_host() -> None:
    hosts = {"SM_HOSTS": '["algo-1", "algo-2"]', "SM_NETWORK_INTERFACE_NAME": "lo", "SM_MASTER_PORT": "7"}
    first, second = (meeting({**hosts, "SM_CURRENT_HOST": host}) for host in ("algo-1", "algo-2"))
    assert {**first, "RANK": "1"} == second
    assert second == {
        "WORLD_SIZE": "2",
        "RANK": "1",
        "MASTER_ADDR": "algo-1",
        "MASTER_PORT": "7",
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
    }
    assert meeting({"SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-1"}) == {}
    assert meeting({}) == {}
