"""Networks that nothing was tuned on: everything automatic against the plain loop, to the same loss and at equal epochs.

    python benchmarks/autoscale_nets.py [--nets resnet18 gru ...] [--seeds 5] [--set optimizer=sgd ...]

The plain loop is what a tutorial shows: float tensors in memory, a DataLoader of batches of 64, Adam at 1e-3 all the way, fp32.
It runs ``epochs`` epochs. Ours runs as many, for the accuracy at equal epochs; and a quarter and a half as many, for the time
at which the plain loop's loss at its end is reached, in the mean over the seeds. Both sides train on the same samples, in turn,
and are judged on a test split that neither has seen; ours looks at a validation split besides, for which the plain loop has no
use. Clock: from the call to its return, imports excluded, ours with preparing, probing and evaluating. Nothing is remembered
from one run to the next.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from log import row
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import naiad
from naiad.trainer.arguments import assignments
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.loop.progress import Silent
from naiad.trainer.nets.guide import SimpleNet

PARTS = (0.25, 0.5, 1.0)
"""Of the plain loop's epochs, for the time to its loss."""


@dataclass
class Case:
    make: Callable[[], nn.Module]
    data: Callable[[int], "Parts"]
    """Drawn by a seed."""
    epochs: int
    regression: bool = False


@dataclass
class Parts:
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


# ---- networks


class PatchTransformer(nn.Module):
    """(B, 1, 28, 28) in, 49 patches of 4×4, three encoder layers."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 64, kernel_size=4, stride=4)
        self.places = nn.Parameter(torch.randn(1, 49, 64) * 0.02)
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.places
        return self.head(self.encoder(tokens).mean(dim=1))


class RowReader(nn.Module):
    """(B, 1, 28, 28) in: a GRU reads the image row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(28, 96, batch_first=True)
        self.head = nn.Linear(96, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.gru(images.squeeze(1))[0][:, -1])


def dropout_mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 10),
    )  # fmt: skip


def batchnorm_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip


def tabular(inputs: int, outputs: int) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs))


def torchvision_net(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import torchvision  # noqa: PLC0415  # reason: only where it is asked for

        return getattr(torchvision.models, name)(num_classes=10)

    return make


# ---- data


def fashion(count: int, *, channels: int = 1, validation: int = 2_000, test: int = 5_000) -> Callable[[int], Parts]:
    def load(seed: int) -> Parts:
        raw = open_source("fashion-mnist", label=None).splits["train"]
        images = np.repeat(np.asarray(raw.inputs).reshape(-1, 1, 28, 28), channels, axis=1)
        return cut(images, np.asarray(raw.targets), seed, count, validation, test)

    return load


def bundled(name: str) -> Callable[[int], Parts]:
    """Three fifths to train on."""

    def load(seed: int) -> Parts:
        from sklearn import datasets, preprocessing  # noqa: PLC0415  # reason: only where it is asked for

        inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
        fifth = len(inputs) // 5
        parts = cut(inputs.astype(np.float32), targets, seed, len(inputs) - 2 * fifth, fifth, fifth)
        scaler = preprocessing.StandardScaler().fit(parts.train[0])
        mean, std = parts.train[1].mean(), parts.train[1].std()
        continuous = targets.dtype.kind == "f"
        return Parts(*(
            (
                scaler.transform(part).astype(np.float32),
                ((aims - mean) / std).astype(np.float32) if continuous else aims,
            )
            for part, aims in (parts.train, parts.validation, parts.test)
        ))  # fmt: skip

    return load


def cut(inputs: np.ndarray, targets: np.ndarray, seed: int, *counts: int) -> Parts:
    """The training, validation and test split of so many samples."""
    order = np.random.default_rng(seed).permutation(len(inputs))
    ends = np.cumsum(counts)
    return Parts(*((inputs[part], targets[part]) for part in np.split(order[: ends[-1]], ends[:-1])))


CASES = {
    "simplenet": Case(SimpleNet, fashion(20_000), 8),
    "batchnorm-cnn": Case(batchnorm_cnn, fashion(10_000), 6),
    "dropout-mlp": Case(dropout_mlp, fashion(20_000), 8),
    "transformer": Case(PatchTransformer, fashion(5_000), 8),
    "gru": Case(RowReader, fashion(10_000), 8),
    "resnet18": Case(torchvision_net("resnet18"), fashion(3_000, channels=3, validation=1_000, test=2_000), 6),
    "mobilenet": Case(
        torchvision_net("mobilenet_v3_small"), fashion(6_000, channels=3, validation=1_000, test=2_000), 10
    ),
    "digits-mlp": Case(tabular(64, 10), bundled("digits"), 40),
    "cancer-mlp": Case(tabular(30, 2), bundled("breast_cancer"), 40),
    "wine-mlp": Case(tabular(13, 3), bundled("wine"), 60),
    "diabetes-mlp": Case(tabular(10, 1), bundled("diabetes"), 20, regression=True),
}


# ---- the two sides


@dataclass
class Outcome:
    seconds: float
    loss: float
    """On the test split."""
    score: float
    """Test accuracy in percent, or 100 × R²."""


def plain(case: Case, parts: Parts, seed: int) -> Outcome:
    torch.manual_seed(seed)
    net = case.make()
    begun = time.perf_counter()
    (train_x, train_y), (held_x, held_y) = (_tensors(part, case) for part in (parts.train, parts.test))
    loader = DataLoader(TensorDataset(train_x, train_y), batch_size=64, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    loss_of = (lambda out, y: F.mse_loss(out.flatten(), y)) if case.regression else F.cross_entropy
    for _ in range(case.epochs):
        net.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss_of(net(inputs), targets).backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        out = torch.cat([net(held_x[i : i + 500]) for i in range(0, len(held_x), 500)])
    loss = float(loss_of(out, held_y))
    seconds = time.perf_counter() - begun
    score = (
        1 - loss / float(held_y.var(correction=0))
        if case.regression
        else float((out.argmax(1) == held_y).float().mean())
    )
    return Outcome(seconds, loss, 100 * score)


def _tensors(part: tuple[np.ndarray, np.ndarray], case: Case) -> tuple[Tensor, Tensor]:
    inputs, targets = (torch.from_numpy(array) for array in part)
    if inputs.dtype == torch.uint8:
        inputs = (inputs.float() / 255 - 0.2860) / 0.3530
    return inputs, targets.float() if case.regression else targets.long()


def automatic(case: Case, parts: Parts, seed: int, *, epochs: int, plan: dict[str, str]) -> Outcome:
    torch.manual_seed(seed)
    net = case.make()
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as nothing_remembered:
        os.environ["XDG_CACHE_HOME"] = nothing_remembered
        begun = time.perf_counter()
        model = naiad.fit(
            net, {"train": parts.train, "validation": parts.validation, "test": parts.test}, epochs=epochs, plan=plan,
            seed=seed, report=False, progress=Silent(), task="regression" if case.regression else "classification",
        )  # fmt: skip
        seconds = time.perf_counter() - begun
    found = model.evaluations["test"]
    return Outcome(seconds, found["loss"], 100 * found["metrics"]["r2" if case.regression else "accuracy"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="choices of the plan to keep")
    given = parser.parse_args()
    plan = assignments(given.set)
    faster = []
    for name in given.nets:
        case = CASES[name]
        pairs = [both(case, seed, plan) for seed in range(given.seeds)]
        goal = statistics.fmean(theirs.loss for theirs, _ in pairs)
        ours = {part: statistics.fmean(found[part].loss for _, found in pairs) for part in PARTS}
        reached = next((part for part in PARTS if ours[part] <= goal), None)
        ratios = [theirs.seconds / found[reached].seconds if reached else 0.0 for theirs, found in pairs]
        told = f"mean loss {goal:.4f}; ours " + ", ".join(f"{loss:.4f} at {part:g}" for part, loss in ours.items())
        say(f"{name}: plain loop ÷ automatic, time to its loss (0: not reached)", ratios, "×", "≥ 0.98", told)
        gaps = [found[1.0].score - theirs.score for theirs, found in pairs]
        told = f"plain loop {statistics.fmean(theirs.score for theirs, _ in pairs):.2f}"
        say(f"{name}: automatic minus plain loop, {case.epochs} epochs", gaps, "points", "≥ −0.2", told)
        faster.append(statistics.median(ratios))
    say("plain loop ÷ automatic, over the networks", faster, "×", "median ≥ 2")


def both(case: Case, seed: int, plan: dict[str, str]) -> tuple[Outcome, dict[float, Outcome]]:
    """The plain loop's outcome, and ours for each part of its epochs."""
    parts = case.data(seed)
    theirs = plain(case, parts, seed)
    return theirs, {
        part: automatic(case, parts, seed, epochs=max(1, round(part * case.epochs)), plan=plan) for part in PARTS
    }


def say(claim: str, values: list[float], unit: str, goal: str, note: str = "") -> None:
    print(row(claim, values, unit=unit, goal=goal, script="autoscale_nets.py", note=note), flush=True)


if __name__ == "__main__":
    main()
