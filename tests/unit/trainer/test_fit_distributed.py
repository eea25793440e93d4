"""``fit`` by several processes: equal to a single process's run but for rounding, and to itself bit for bit."""

import json
import os
import signal

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from naiad.errors import DataError, FolderError, OptionError, TrainingError, TrainingStopped
from naiad.trainer.fit import fit
from naiad.trainer.loop.checkpoint import FolderCheckpoints
from naiad.trainer.loop.progress import SilentProgress

RANK = int(os.environ.get("RANK", "0"))
EXPORT = "these tests export nothing"


class SignalingProgress(SilentProgress):
    """Keeps the notes except those of EXPORT, and sends this process a signal at a step. Only rank 0 is shown steps."""

    def __init__(self, signal_at=None, number=signal.SIGKILL):
        self.notes, self.signal_at, self.number = [], signal_at, number

    def update(self, step, loss, rate, samples):
        if step == self.signal_at:
            os.kill(os.getpid(), self.number)

    def note(self, text):
        if EXPORT not in text:
            self.notes.append(text)


class Net(nn.Module):
    """A network with BatchNorm and dropout, which on one rank fails, spoils its output or sends a signal at a forward pass."""

    def __init__(self, *, dropout=0.2, batchnorm=True, max_samples=None, nan_at=None, signal_at=None, rank=1):
        super().__init__()
        norm = nn.BatchNorm1d(32) if batchnorm else nn.Identity()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), norm, nn.ReLU(), nn.Dropout(dropout))
        self.head, self.passes, self.masks = nn.Linear(32, 10), 0, []
        self.max_samples, self.nan_at, self.signal_at = (
            value if rank == RANK else None for value in (max_samples, nan_at, signal_at)
        )

    def forward(self, inputs):
        if self.training:
            self.passes += 1
            if self.max_samples is not None and len(inputs) > self.max_samples:
                raise torch.OutOfMemoryError("no memory for this")
            if self.passes == self.signal_at:
                os.kill(os.getpid(), signal.SIGTERM)
        hidden = self.layers(inputs)
        if self.training and not self.masks:
            self.masks.append((hidden == 0).sum().item())
        return self.head(hidden) * (float("nan") if self.training and self.passes == self.nan_at else 1.0)


def digits(samples=600, *, reverse=False):
    X, y = load_digits(return_X_y=True)
    order = slice(None, None, -1 if reverse else 1)
    return {
        "train": (X[:samples][order].astype(np.float32), y[:samples][order]),
        "validation": (X[600:800].astype(np.float32), y[600:800]),
        "test": (X[800:1000].astype(np.float32), y[800:1000]),
    }


def train(net, progress=None, **options):
    progress = progress if progress is not None else SignalingProgress()
    torch.manual_seed(0)
    module = Net(**net)
    plan = {"batch_size": 50, "checkpoint_steps": 5, **options.pop("plan", {})}
    arguments = {"epochs": 3, "report": False, "seed": 1, "progress": progress, **options}
    data = arguments.pop("data", None) or digits()
    model = fit(module, data, **{**arguments, "plan": plan})
    return {
        "state": {name: value.clone() for name, value in module.state_dict().items()},
        "history": [(record.train_loss, record.validation) for record in model.history],
        "plan": model.plan.to_json(),
        "notes": progress.notes,
        "evaluations": model.evaluations,
        "masks": module.masks,
    }


def refuse_export(*_, **__):
    """Stands for torch.export in the processes: to load and run it takes longer than their training."""
    raise RuntimeError(EXPORT)


def run(net, options=None, progress=None):
    """Trains in each process; ``progress`` holds the arguments of rank 0's SignalingProgress."""
    torch.export.export = refuse_export
    return train(net, SignalingProgress(**(progress or {}) if RANK == 0 else {}), **(options or {}))


def same(one, other):
    return all(torch.equal(one["state"][name], other["state"][name]) for name in other["state"])


def test_two_processes_learn_what_one_learns(run_processes):
    single = train({"dropout": 0.0, "batchnorm": False})
    first, second = run_processes(run, {"dropout": 0.0, "batchnorm": False})
    assert same(first, second)
    for name, value in single["state"].items():
        torch.testing.assert_close(first["state"][name], value, rtol=1e-4, atol=1e-5)
    assert first["history"] == second["history"]
    assert [loss for loss, _ in first["history"]] == pytest.approx([loss for loss, _ in single["history"]], rel=1e-4)
    assert first["evaluations"] == second["evaluations"]
    assert first["evaluations"]["test"]["samples"] == 200


def test_dropout_differs_between_processes_and_the_weights_do_not(run_processes):
    first, second = run_processes(run, {})
    assert same(first, second)
    assert first["masks"] != second["masks"]


AVERAGED = {"plan": {"ema": 0.9, "keep_weights": "best"}}


@pytest.fixture(scope="module")
def uninterrupted(run_processes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    return run_processes(run, {}, {**AVERAGED, "out": folder})[0], folder


@pytest.mark.parametrize(
    "killed_at", [23, pytest.param(2, marks=pytest.mark.slow), pytest.param(36, marks=pytest.mark.slow)]
)
def test_killed_and_resumed_is_the_same_run(run_processes, uninterrupted, tmp_path, killed_at):
    options, (whole, folder) = AVERAGED, uninterrupted
    killed, left = run_processes(run, {}, {**options, "out": tmp_path / "run"}, {"signal_at": killed_at})
    assert killed == signal.SIGKILL
    assert isinstance(left, TrainingError)
    first, second = run_processes(run, {}, {**options, "out": tmp_path / "run", "resume": True})
    assert first["notes"] == [f"going on from the checkpoint at step {killed_at // 5 * 5}"]
    assert same(first, second)
    assert same(first, whole)
    assert first["history"] == whole["history"]
    ends = [FolderCheckpoints(path / "checkpoints").latest() for path in (folder, tmp_path / "run")]
    assert ends[0].tensors.keys() == ends[1].tensors.keys()
    assert {"random/cpu", "random.1/cpu"} <= ends[0].tensors.keys()
    assert all(torch.equal(ends[0].tensors[name], ends[1].tensors[name]) for name in ends[0].tensors)


@pytest.mark.parametrize("rank", [1, pytest.param(0, marks=pytest.mark.slow)])
def test_a_stop_signal_to_one_process_stops_all_after_a_checkpoint(run_processes, tmp_path, rank):
    whole, _ = run_processes(run, {})
    for stopped in run_processes(run, {"signal_at": 13, "rank": rank}, {"out": tmp_path / "run"}):
        assert isinstance(stopped, TrainingStopped)
        assert "stopped by SIGTERM at step 13 of 36" in str(stopped)
    assert FolderCheckpoints(tmp_path / "run" / "checkpoints").latest().step == 13
    first, second = run_processes(run, {}, {"out": tmp_path / "run", "resume": True})
    assert same(first, whole)
    assert same(second, whole)


def test_out_of_memory_in_one_process_halves_the_microbatch_of_all_and_is_resumed(run_processes, tmp_path):
    whole, other = run_processes(run, {"max_samples": 12, "batchnorm": False})
    assert whole["notes"] == [
        "out of memory at step 0: on from step 0 with 7 samples a forward pass, gradients accumulated"
    ]
    assert whole["plan"]["microbatch_history"] == [{"step": 0, "size": 7}]
    assert same(whole, other)
    run_processes(run, {"max_samples": 12, "batchnorm": False}, {"out": tmp_path / "run"}, {"signal_at": 17})
    first, _ = run_processes(run, {"max_samples": 12, "batchnorm": False}, {"out": tmp_path / "run", "resume": True})
    assert same(first, whole)


def test_a_non_finite_loss_in_one_process_returns_all_to_the_checkpoint(run_processes):
    first, second = run_processes(run, {"nan_at": 18})
    assert first["notes"] == [
        "the loss is not finite at step 17: back to step 15 with the learning rate times 0.1",
    ]
    assert same(first, second)
    assert first["history"] == second["history"]


@pytest.mark.usefixtures("no_export")
def test_only_rank_zero_writes(run_processes, tmp_path):
    first, second = run_processes(run, {}, {"out": tmp_path / "run"})
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert len(list((tmp_path / "run" / "events").iterdir())) == 1
    assert (tmp_path / "run" / "model.safetensors").is_file()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["processes"] == 2
    assert second["notes"] == []
    single = train({}, out=tmp_path / "run", resume=True)
    assert "the run was started by 2 processes; by 1 process its last bits will differ" in single["notes"]
    assert same(single, first)


def test_all_processes_follow_the_plan_of_rank_zero(run_processes):
    plan = {"batch_size": 4, "optimizer": "adamw", "measure_fraction": 0.3, "checkpoint_steps": 100}
    first, second = run_processes(run, {"batchnorm": False}, {"plan": plan, "epochs": 5})
    assert first["plan"] == second["plan"]
    assert any(reason["measurements"] for reason in first["plan"]["reasons"].values())
    assert same(first, second)


def test_a_time_limit_ends_all_processes_at_the_same_step(run_processes):
    first, second = run_processes(run, {"batchnorm": False}, {"epochs": None, "time_limit_s": 1.5})
    assert first["plan"] == second["plan"]
    assert same(first, second)


def train_on_different_data():
    return train({}, data=digits(reverse=RANK == 1))


def test_processes_with_different_data_are_refused(run_processes):
    for error in run_processes(train_on_different_data):
        assert isinstance(error, DataError)
        assert "training data of the 2 processes differs" in str(error)


def train_with_tiny_batches():
    return train({}, plan={"batch_size": 1})


def test_a_batch_must_have_a_sample_for_each_process(run_processes):
    for error in run_processes(train_with_tiny_batches):
        assert isinstance(error, OptionError)
        assert str(error) == "batches of 1 samples leave some of 2 processes without one"


def test_a_folder_that_cannot_be_used_is_an_error_in_all_processes(run_processes, tmp_path):
    (tmp_path / "letter.txt").touch()
    for error in run_processes(run, {}, {"out": tmp_path}):
        assert isinstance(error, FolderError)
