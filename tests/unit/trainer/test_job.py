"""The trainer as a job's program: the variables that it reads, and the files that it leaves."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from naiad.errors import OptionError
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.job import main, publish_artifact, read_fit_arguments, rendezvous_variables

TABLE = "\n".join(["x,y,kind", *(f"{n % 7},{n % 5},{'ab'[n % 2]}" for n in range(80))]) + "\n"


def channels(**paths: str) -> dict[str, str]:
    return {"SM_CHANNELS": json.dumps(list(paths)), **{f"SM_CHANNEL_{name.upper()}": at for name, at in paths.items()}}


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Returns a function that makes the folders and variables of a job whose data is a table."""

    def make(**hyperparameters: Any) -> Path:
        for name in ("model", "output", "checkpoints", "train"):
            (tmp_path / name).mkdir()
        (tmp_path / "train" / "table.csv").write_text(TABLE)
        variables = {
            "SM_HPS": json.dumps(hyperparameters),
            "SM_CHECKPOINT_DIR": str(tmp_path / "checkpoints"),
            "SM_MODEL_DIR": str(tmp_path / "model"),
            "SM_OUTPUT_DIR": str(tmp_path / "output"),
            **channels(train=str(tmp_path / "train")),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return tmp_path

    return make


def test_a_whole_job(contract: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    home = contract(net="mlp", label="kind", epochs=2, report="false")
    assert main() == 0
    assert (home / "model" / "naiad.json").is_file()
    assert not (home / "model" / "checkpoints").exists()
    assert not (home / "model" / "run.json").exists()
    assert (home / "checkpoints" / "naiad-run" / "checkpoints").is_dir()
    assert not (home / "output" / "failure").exists()
    assert "accuracy" in json.loads(capsys.readouterr().out.splitlines()[-1])["evaluations"]["validation"]


def test_a_job_that_is_tried_again_passes_over_a_damaged_checkpoint(
    contract: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    home = contract(net="mlp", label="kind", epochs=4, report="false", **{"plan.checkpoint_steps": 2})
    assert main() == 0
    weights = (home / "model" / "model.safetensors").read_bytes()
    *_, newest = sorted((home / "checkpoints" / "naiad-run" / "checkpoints").iterdir())
    (newest / "state.json").write_bytes(b"{}")
    shutil.rmtree(home / "model")
    (home / "model").mkdir()
    capsys.readouterr()
    assert main() == 0
    said = capsys.readouterr().out
    assert f"{newest.name}/state.json is damaged" in said
    assert "going on from the checkpoint at step" in said
    assert (home / "model" / "model.safetensors").read_bytes() == weights


def test_the_failure_file_has_the_reason_of_an_input_error(
    contract: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    home = contract(net="mlp", label="kindd")
    assert main() == 2
    failure = (home / "output" / "failure").read_text()
    assert "kindd" in failure
    assert f"error: {failure}" in capsys.readouterr().out


def test_hyperparameters_become_the_arguments_of_fit() -> None:
    net, data, options = read_fit_arguments({"net": "auto", "epochs": 3, "report": "no"}, channels(train="/data"))
    assert (net, data) == (None, "/data")
    assert options == FitOptions(epochs=3, plan={}, seed=0, report=False)


def test_channels_are_data_validation_test_and_code() -> None:
    environment = channels(training="/t", validation="/v", test="/x", code="/c")
    net, data, options = read_fit_arguments({"net": "net.py:Mine"}, environment)
    assert data == {"train": "/t", "test": "/x"}
    assert options.validation == "/v"
    assert net == "/c/net.py:Mine"


def test_a_data_set_may_be_named_instead_of_a_channel() -> None:
    _, data, options = read_fit_arguments({"data": "digits", "validation": "held-out"}, {})
    assert (data, options.validation) == ("digits", "held-out")
    with pytest.raises(OptionError, match="there is no data"):
        read_fit_arguments({}, {})


def test_an_unknown_hyperparameter_is_refused() -> None:
    with pytest.raises(OptionError, match="'epoch' is no hyperparameter"):
        read_fit_arguments({"epoch": 3}, channels(train="/data"))


def test_the_files_that_a_run_needs_to_continue_are_not_published(tmp_path: Path) -> None:
    for name in ("run/checkpoints", "run/report", "model"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("run.json", "naiad.json", "report/curve.png", "checkpoints/step"):
        (tmp_path / "run" / name).write_text("x")
    publish_artifact(tmp_path / "run", tmp_path / "model")
    files = sorted(path.relative_to(tmp_path / "model").as_posix() for path in (tmp_path / "model").rglob("*"))
    assert files == ["naiad.json", "report", "report/curve.png"]


def test_the_first_host_is_the_rendezvous_of_a_jobs_instances() -> None:
    hosts = {"SM_HOSTS": '["algo-1", "algo-2"]', "SM_NETWORK_INTERFACE_NAME": "lo", "SM_MASTER_PORT": "7"}
    first, second = (rendezvous_variables({**hosts, "SM_CURRENT_HOST": host}) for host in ("algo-1", "algo-2"))
    assert {**first, "RANK": "1"} == second
    assert second == {
        "WORLD_SIZE": "2",
        "RANK": "1",
        "MASTER_ADDR": "algo-1",
        "MASTER_PORT": "7",
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
    }
    assert rendezvous_variables({"SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-1"}) == {}
    assert rendezvous_variables({}) == {}
