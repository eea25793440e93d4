"""Checks that probing does not change the weights: nine small runs, each with measurements and then replayed from its plan.

python benchmarks/probing_bits.py
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from log import log_row
from torch import Tensor, nn

from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.model.model import Model

SAMPLES, SIDE, CLASSES = 2_560, 8, 4


class Rows(nn.Module):
    """Makes an image's rows a sequence: (B, 1, H, W) → (B, H, W)."""

    def forward(self, images: Tensor) -> Tensor:
        return images.squeeze(1)


class RowGru(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows, self.gru, self.head = Rows(), nn.GRU(SIDE, 16, batch_first=True), nn.Linear(16, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.gru(self.rows(images))[0][:, -1])
        return logits


class DrawsInEval(nn.Module):
    """Network whose dropout is active in evaluation, too: every forward pass draws random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.head = nn.Conv2d(1, 4, 3), nn.Linear(144, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(nn.functional.dropout(self.hidden(images).relu().flatten(1), 0.2))
        return logits


class Mean(nn.Module):
    def forward(self, sequence: Tensor) -> Tensor:
        return sequence.mean(dim=1)


def cnn(*more: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), *more, nn.ReLU(), nn.Flatten(), nn.Linear(144, CLASSES))


def transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(SIDE, 2, dim_feedforward=16, batch_first=True)
    return nn.Sequential(Rows(), layer, Mean(), nn.Linear(SIDE, CLASSES))


def batchnorm_cnn() -> nn.Module:
    return cnn(nn.BatchNorm2d(4), nn.Dropout(0.2))


def table_mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))


def images() -> dict[str, Any]:
    random = np.random.default_rng(0)
    labels = np.arange(SAMPLES) % CLASSES
    inputs = random.normal(size=(SAMPLES, 1, SIDE, SIDE)) * 40 + 100
    inputs[np.arange(SAMPLES), 0, labels * 2] += 60
    inputs = inputs.clip(0, 255).astype(np.uint8)
    return {"train": (inputs, labels), "validation": (inputs[:256], labels[:256])}


def table() -> dict[str, Any]:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(SAMPLES, 16)).astype(np.float32)
    values = inputs @ random.normal(size=16) + random.normal(size=SAMPLES)
    return {"train": (inputs, values), "validation": (inputs[:256], values[:256])}


@dataclass(frozen=True)
class Case:
    net: Callable[[], nn.Module]
    plan: dict[str, Any] = field(default_factory=dict)
    data: Callable[[], dict[str, Any]] = images
    options: dict[str, Any] = field(default_factory=lambda: {"epochs": 17})


CASES = {
    "convolutional": Case(cnn),
    "GRU": Case(RowGru),
    "transformer": Case(transformer),
    "muon with flip": Case(cnn, {"optimizer": "muon", "augment": ("flip",)}),
    "regression with average and BatchNorm": Case(table_mlp, {"ema": 0.98}, table),
    "BatchNorm with dropout": Case(batchnorm_cnn),
    "draws in eval": Case(DrawsInEval),
    "time limit, replayed": Case(batchnorm_cnn, options={"time_limit_s": 3}),
}


def train(case: Case, **options: Any) -> Model:
    torch.manual_seed(0)
    return fit(case.net(), case.data(), report=False, progress=SilentProgress(), **options)


def measure_and_replay(case: Case, folder: Path) -> tuple[Model, Model]:
    """Returns two models. The second follows the plan.json of the first, which is written into ``folder``."""
    measured = train(case, plan={**case.plan, "measure_fraction": 0.5}, seed=3, **case.options)
    measured.plan.write(folder)
    return measured, train(case, plan=folder)


def was_measured(model: Model) -> bool:
    return any(reason.measurements for _, reason in model.plan.reasons)


def has_same_weights(one: Model, other: Model) -> bool:
    state, other_state = one.program.state_dict(), other.program.state_dict()
    return state.keys() == other_state.keys() and all(torch.equal(state[name], other_state[name]) for name in state)


def is_replay_equal(name: str) -> bool:
    """Whether the replay has the same weights. Raises ValueError where nothing was measured."""
    with tempfile.TemporaryDirectory() as folder:
        measured, replayed = measure_and_replay(CASES[name], Path(folder))
    if not was_measured(measured):
        raise ValueError(f"{name}: the run was too short to be measured")
    return has_same_weights(measured, replayed)


def is_replay_equal_in_two_processes() -> bool:
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        __file__,
        "BatchNorm with dropout",
    ]
    return subprocess.run(command, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}).returncode == 0


def is_replay_equal_in_this_process(name: str) -> bool:
    """Whether the replay has the same weights; called in each process of a group."""
    case = CASES[name]
    measured = train(case, plan={**case.plan, "measure_fraction": 0.5}, seed=3, **case.options)
    return was_measured(measured) and has_same_weights(measured, train(case, plan=measured.plan))


def main() -> None:
    equal = {name: is_replay_equal(name) for name in CASES}
    equal["BatchNorm with dropout, two processes"] = is_replay_equal_in_two_processes()
    claim = "probing on and off, decisions fixed: networks whose weights are bitwise equal"
    differing = [name for name, is_equal in equal.items() if not is_equal]
    note = f"not: {', '.join(differing)}" if differing else "; ".join(equal)
    goal = str(len(equal))
    print(
        log_row(claim, [float(sum(equal.values()))], unit=f"of {goal}", goal=goal, script="probing_bits.py", note=note)
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(0 if is_replay_equal_in_this_process(sys.argv[1]) else 1)
    with tempfile.TemporaryDirectory() as cache:  # no measurements of other runs are used
        os.environ["XDG_CACHE_HOME"] = cache
        main()
