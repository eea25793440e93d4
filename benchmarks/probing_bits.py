"""With probing on and off, decisions fixed: are the weights the same bits? Nine small runs, each measured and then replayed.

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
from log import row
from torch import Tensor, nn

from naiad.trainer.fit import fit
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.model.model import Model

SAMPLES, SIDE, CLASSES = 2_560, 8, 4


class Rows(nn.Module):
    """An image's rows as a sequence: (B, 1, H, W) → (B, H, W)."""

    def forward(self, images: Tensor) -> Tensor:
        return images.squeeze(1)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows, self.gru, self.head = Rows(), nn.GRU(SIDE, 16, batch_first=True), nn.Linear(16, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.gru(self.rows(images))[0][:, -1])
        return logits


class DrawsInEval(nn.Module):
    """Forgets ``training=self.training``: every forward pass draws."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.head = nn.Conv2d(1, 4, 3), nn.Linear(144, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(nn.functional.dropout(self.hidden(images).relu().flatten(1), 0.2))
        return logits


class Mean(nn.Module):
    def forward(self, sequence: Tensor) -> Tensor:
        return sequence.mean(dim=1)


def convolutional(*more: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), *more, nn.ReLU(), nn.Flatten(), nn.Linear(144, CLASSES))


def transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(SIDE, 2, dim_feedforward=16, batch_first=True)
    return nn.Sequential(Rows(), layer, Mean(), nn.Linear(SIDE, CLASSES))


def normed() -> nn.Module:
    return convolutional(nn.BatchNorm2d(4), nn.Dropout(0.2))


def tabular() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))


def images() -> dict[str, Any]:
    draws = np.random.default_rng(0)
    labels = np.arange(SAMPLES) % CLASSES
    inputs = draws.normal(size=(SAMPLES, 1, SIDE, SIDE)) * 40 + 100
    inputs[np.arange(SAMPLES), 0, labels * 2] += 60
    inputs = inputs.clip(0, 255).astype(np.uint8)
    return {"train": (inputs, labels), "validation": (inputs[:256], labels[:256])}


def table() -> dict[str, Any]:
    draws = np.random.default_rng(0)
    inputs = draws.normal(size=(SAMPLES, 16)).astype(np.float32)
    values = inputs @ draws.normal(size=16) + draws.normal(size=SAMPLES)
    return {"train": (inputs, values), "validation": (inputs[:256], values[:256])}


@dataclass(frozen=True)
class Case:
    net: Callable[[], nn.Module]
    plan: dict[str, Any] = field(default_factory=dict)
    data: Callable[[], dict[str, Any]] = images
    options: dict[str, Any] = field(default_factory=lambda: {"epochs": 17})


CASES = {
    "convolutional": Case(convolutional),
    "GRU": Case(Recurrent),
    "transformer": Case(transformer),
    "muon with flip": Case(convolutional, {"optimizer": "muon", "augment": ("flip",)}),
    "regression with average and BatchNorm": Case(tabular, {"ema": 0.98}, table),
    "BatchNorm with dropout": Case(normed),
    "draws in eval": Case(DrawsInEval),
    "time limit, replayed": Case(normed, options={"time_limit_s": 3}),
}


def trained(case: Case, **options: Any) -> Model:
    torch.manual_seed(0)
    return fit(case.net(), case.data(), report=False, progress=SilentProgress(), **options)


def measured_and_replayed(case: Case, folder: Path) -> tuple[Model, Model]:
    """The second follows the plan.json of the first, which is written into ``folder``."""
    measured = trained(case, plan={**case.plan, "measure_fraction": 0.5}, seed=3, **case.options)
    measured.plan.write(folder)
    return measured, trained(case, plan=folder)


def was_measured(model: Model) -> bool:
    return any(reason.tried for _, reason in model.plan.reasons)


def same_bits(one: Model, other: Model) -> bool:
    ours, theirs = one.program.state_dict(), other.program.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def agrees(name: str) -> bool:
    """Raises ValueError where nothing was measured: then there is nothing to show."""
    with tempfile.TemporaryDirectory() as folder:
        measured, replayed = measured_and_replayed(CASES[name], Path(folder))
    if not was_measured(measured):
        raise ValueError(f"{name}: the run was too short to be measured")
    return same_bits(measured, replayed)


def agrees_in_two_processes() -> bool:
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


def one_of_several(name: str) -> bool:
    """Called by each process of a group."""
    case = CASES[name]
    measured = trained(case, plan={**case.plan, "measure_fraction": 0.5}, seed=3, **case.options)
    return was_measured(measured) and same_bits(measured, trained(case, plan=measured.plan))


def main() -> None:
    equal = {name: agrees(name) for name in CASES}
    equal["BatchNorm with dropout, two processes"] = agrees_in_two_processes()
    claim = "probing on and off, decisions fixed: networks whose weights are bitwise equal"
    differing = [name for name, same in equal.items() if not same]
    note = f"not: {', '.join(differing)}" if differing else "; ".join(equal)
    goal = str(len(equal))
    print(row(claim, [float(sum(equal.values()))], unit=f"of {goal}", goal=goal, script="probing_bits.py", note=note))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(0 if one_of_several(sys.argv[1]) else 1)
    with tempfile.TemporaryDirectory() as cache:  # nothing is remembered from other runs
        os.environ["XDG_CACHE_HOME"] = cache
        main()
