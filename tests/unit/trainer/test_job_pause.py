"""The trainer as a trial of a tuning job: it pauses, says so, ends with status 75, and goes on when it runs again."""

import json
import shutil

import pytest

from naiad.errors import OptionError
from naiad.trainer.job import main
from naiad.trainer.job_pause import PAUSED_STATUS, JobPauses

TABLE = "\n".join(["x,y,kind", *(f"{n % 7},{n % 5},{'ab'[n % 2]}" for n in range(80))]) + "\n"


@pytest.fixture
def contract(tmp_path, monkeypatch):
    def make(name="job", **hyperparameters):
        home = tmp_path / name
        for folder in ("model", "output", "checkpoints", "train"):
            (home / folder).mkdir(parents=True)
        (home / "train" / "table.csv").write_text(TABLE)
        variables = {
            "SM_HPS": json.dumps({"net": "mlp", "label": "kind", "epochs": 4, "report": "false", **hyperparameters}),
            "SM_CHECKPOINT_DIR": str(home / "checkpoints"),
            "SM_MODEL_DIR": str(home / "model"),
            "SM_OUTPUT_DIR": str(home / "output"),
            "SM_CHANNELS": '["train"]',
            "SM_CHANNEL_TRAIN": str(home / "train"),
        }
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
        return home

    return make


def pause_of(home):
    return json.loads((home / "output" / "naiad-pause.json").read_text())


def test_a_paused_job_goes_on_and_ends_like_one_that_was_not(contract, capsys):
    home = contract("paused", _naiad_pause_at_epochs="1,3", _tuning_objective_metric="validation:accuracy")
    assert main() == PAUSED_STATUS
    first = pause_of(home)
    assert first["paused_at"] == 1
    assert first["objective"] == first["scores"]["accuracy"]
    assert "epoch 001" in capsys.readouterr().out
    assert not list((home / "model").iterdir())
    (home / "output" / "naiad-pause.json").unlink()
    assert main() == PAUSED_STATUS
    assert pause_of(home)["paused_at"] == 3
    assert "epoch 001" not in capsys.readouterr().out
    assert main() == 0
    weights = (home / "model" / "model.safetensors").read_bytes()
    whole = contract("whole", **{"plan.restarts": "1,3"})
    assert main() == 0
    assert (whole / "model" / "model.safetensors").read_bytes() == weights


def test_a_pause_that_was_not_reported_is_made_again(contract):
    home = contract(_naiad_pause_at_epochs="2")
    assert main() == PAUSED_STATUS
    (home / "checkpoints" / "naiad-paused.json").unlink()  # killed after the checkpoint, before the report
    (home / "output" / "naiad-pause.json").unlink()
    assert main() == PAUSED_STATUS
    assert pause_of(home)["paused_at"] == 2


def test_a_job_that_is_no_trial_has_no_pauses(contract):
    home = contract()
    shutil.rmtree(home / "checkpoints" / "naiad-run", ignore_errors=True)
    assert main() == 0
    assert not (home / "output" / "naiad-pause.json").exists()


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("validation:f1_macro", 0.2), ("loss", 0.3), ("something else", 0.1), (None, 0.1)],
)
def test_the_objective_is_the_score_that_the_tuning_job_names(tmp_path, metric, expected):
    pauses = JobPauses((1,), 0, metric, tmp_path, tmp_path)
    pauses.write(1, {"accuracy": 0.1, "f1_macro": 0.2, "loss": 0.3, "broken": float("nan")})
    assert json.loads((tmp_path / "naiad-pause.json").read_text())["objective"] == expected


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({}, {"restarts": "1,3"}),
        ({"schedule": "cosine"}, {"schedule": "cosine", "restarts": "1,3"}),
        ({"restarts": "2"}, {"restarts": "2"}),
        ("plan.json", "plan.json"),
    ],
)
def test_the_schedule_ends_at_each_pause_whatever_its_shape(tmp_path, plan, expected):
    assert JobPauses((1, 3), 0, None, tmp_path, tmp_path).with_restarts(plan) == expected
    assert JobPauses((), 0, None, tmp_path, tmp_path).with_restarts(plan) == plan


def test_epochs_that_are_none_are_refused(tmp_path):
    environment = {"SM_CHECKPOINT_DIR": str(tmp_path), "SM_OUTPUT_DIR": str(tmp_path)}
    with pytest.raises(OptionError, match="takes whole numbers above 0"):
        JobPauses.read({"_naiad_pause_at_epochs": "1,x"}, environment)
    assert JobPauses.read({"_naiad_pause_at_epochs": 3}, environment).epochs == (3,)
