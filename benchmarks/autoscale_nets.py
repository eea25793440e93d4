"""Compares the automatic plan with a plain loop on networks that no rule was tuned on, to the same loss and at equal epochs.

    python benchmarks/autoscale_nets.py [--nets resnet18 gru ...] [--seeds 5] [--set optimizer=sgd ...]

The plain loop is that of a tutorial: float tensors in memory, a DataLoader with batches of 64, Adam at 1e-3, fp32, ``epochs``
epochs. Naiad runs as many epochs for the accuracy at equal epochs. It also runs a quarter and a half as many, for the time at
which the plain loop's final loss is reached in the mean over the seeds. Both sides train on the same samples, in turn, and are
evaluated on a test split that neither has seen. Naiad also has a validation split, which the plain loop does not need. The clock
runs from the call to its return, without imports; Naiad's time includes preparation, measurements and evaluation. No run uses
the measurements of another.
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
from log import log_row
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import naiad
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.nets.guide import SimpleNet
from naiad.trainer.option_text import parse_assignments

FRACTIONS = (0.25, 0.5, 1.0)
"""Fractions of the plain loop's epochs at which Naiad runs."""


@dataclass
class Case:
    make: Callable[[], nn.Module]
    data: Callable[[int], "DataSplits"]
    """Draws the splits with a seed."""
    epochs: int
    regression: bool = False


@dataclass
class DataSplits:
    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


# ---- networks


class PatchTransformer(nn.Module):
    """Transformer of three encoder layers over 49 patches of 4×4. (B, 1, 28, 28) in, logits (B, 10) out."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 64, kernel_size=4, stride=4)
        self.positions = nn.Parameter(torch.randn(1, 49, 64) * 0.02)
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.positions
        return self.head(self.encoder(tokens).mean(dim=1))


class RowGru(nn.Module):
    """GRU over the rows of an image. (B, 1, 28, 28) in, logits (B, 10) out."""

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
        import torchvision  # noqa: PLC0415  # reason: only some cases need it

        return getattr(torchvision.models, name)(num_classes=10)

    return make


# ---- data


def fashion(
    count: int, *, channels: int = 1, validation: int = 2_000, test: int = 5_000
) -> Callable[[int], DataSplits]:
    def load(seed: int) -> DataSplits:
        raw = open_source("fashion-mnist", label=None).splits["train"]
        images = np.repeat(np.asarray(raw.inputs).reshape(-1, 1, 28, 28), channels, axis=1)
        return split_samples(images, np.asarray(raw.targets), seed, count, validation, test)

    return load


def bundled_data(name: str) -> Callable[[int], DataSplits]:
    """Returns a loader of scikit-learn's bundled data; three fifths are for training."""

    def load(seed: int) -> DataSplits:
        from sklearn import datasets, preprocessing  # noqa: PLC0415  # reason: only some cases need it

        inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
        fifth = len(inputs) // 5
        splits = split_samples(inputs.astype(np.float32), targets, seed, len(inputs) - 2 * fifth, fifth, fifth)
        scaler = preprocessing.StandardScaler().fit(splits.train[0])
        mean, std = splits.train[1].mean(), splits.train[1].std()
        continuous = targets.dtype.kind == "f"
        return DataSplits(*(
            (
                scaler.transform(samples).astype(np.float32),
                ((aims - mean) / std).astype(np.float32) if continuous else aims,
            )
            for samples, aims in (splits.train, splits.validation, splits.test)
        ))  # fmt: skip

    return load


def split_samples(inputs: np.ndarray, targets: np.ndarray, seed: int, *counts: int) -> DataSplits:
    """Returns the training, validation and test split with ``counts`` samples."""
    order = np.random.default_rng(seed).permutation(len(inputs))
    ends = np.cumsum(counts)
    return DataSplits(*((inputs[indices], targets[indices]) for indices in np.split(order[: ends[-1]], ends[:-1])))


CASES = {
    "simplenet": Case(SimpleNet, fashion(20_000), 8),
    "batchnorm-cnn": Case(batchnorm_cnn, fashion(10_000), 6),
    "dropout-mlp": Case(dropout_mlp, fashion(20_000), 8),
    "transformer": Case(PatchTransformer, fashion(5_000), 8),
    "gru": Case(RowGru, fashion(10_000), 8),
    "resnet18": Case(torchvision_net("resnet18"), fashion(3_000, channels=3, validation=1_000, test=2_000), 6),
    "mobilenet": Case(
        torchvision_net("mobilenet_v3_small"), fashion(6_000, channels=3, validation=1_000, test=2_000), 10
    ),
    "digits-mlp": Case(tabular(64, 10), bundled_data("digits"), 40),
    "cancer-mlp": Case(tabular(30, 2), bundled_data("breast_cancer"), 40),
    "wine-mlp": Case(tabular(13, 3), bundled_data("wine"), 60),
    "diabetes-mlp": Case(tabular(10, 1), bundled_data("diabetes"), 20, regression=True),
}


# ---- the two sides


@dataclass
class Outcome:
    seconds: float
    loss: float
    """Loss on the test split."""
    score: float
    """Test accuracy in percent, or 100 × R²."""


def train_plain_loop(case: Case, splits: DataSplits, seed: int) -> Outcome:
    torch.manual_seed(seed)
    net = case.make()
    started = time.perf_counter()
    (train_x, train_y), (test_x, test_y) = (_tensors(split, case) for split in (splits.train, splits.test))
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
        out = torch.cat([net(test_x[i : i + 500]) for i in range(0, len(test_x), 500)])
    loss = float(loss_of(out, test_y))
    seconds = time.perf_counter() - started
    score = (
        1 - loss / float(test_y.var(correction=0))
        if case.regression
        else float((out.argmax(1) == test_y).float().mean())
    )
    return Outcome(seconds, loss, 100 * score)


def _tensors(split: tuple[np.ndarray, np.ndarray], case: Case) -> tuple[Tensor, Tensor]:
    inputs, targets = (torch.from_numpy(array) for array in split)
    if inputs.dtype == torch.uint8:
        inputs = (inputs.float() / 255 - 0.2860) / 0.3530
    return inputs, targets.float() if case.regression else targets.long()


def train_automatically(case: Case, splits: DataSplits, seed: int, *, epochs: int, plan: dict[str, str]) -> Outcome:
    torch.manual_seed(seed)
    net = case.make()
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as empty_cache:
        os.environ["XDG_CACHE_HOME"] = empty_cache
        started = time.perf_counter()
        model = naiad.fit(
            net, {"train": splits.train, "validation": splits.validation, "test": splits.test}, epochs=epochs, plan=plan,
            seed=seed, report=False, progress=SilentProgress(), task="regression" if case.regression else "classification",
        )  # fmt: skip
        seconds = time.perf_counter() - started
    outcomes = model.evaluations["test"]
    return Outcome(seconds, outcomes["loss"], 100 * outcomes["metrics"]["r2" if case.regression else "accuracy"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="choices of the plan that are fixed")
    options = parser.parse_args()
    plan = parse_assignments(options.set)
    speedups = []
    for name in options.nets:
        case = CASES[name]
        pairs = [run_both(case, seed, plan) for seed in range(options.seeds)]
        goal = statistics.fmean(plain.loss for plain, _ in pairs)
        ours = {fraction: statistics.fmean(outcomes[fraction].loss for _, outcomes in pairs) for fraction in FRACTIONS}
        fraction_reached = next((fraction for fraction in FRACTIONS if ours[fraction] <= goal), None)
        ratios = [
            plain.seconds / outcomes[fraction_reached].seconds if fraction_reached else 0.0 for plain, outcomes in pairs
        ]
        note = f"mean loss {goal:.4f}; ours " + ", ".join(
            f"{loss:.4f} at {fraction:g}" for fraction, loss in ours.items()
        )
        print_row(f"{name}: plain loop ÷ automatic, time to its loss (0: not reached)", ratios, "×", "≥ 0.98", note)
        differences = [outcomes[1.0].score - plain.score for plain, outcomes in pairs]
        note = f"plain loop {statistics.fmean(plain.score for plain, _ in pairs):.2f}"
        print_row(f"{name}: automatic minus plain loop, {case.epochs} epochs", differences, "points", "≥ −0.2", note)
        speedups.append(statistics.median(ratios))
    print_row("plain loop ÷ automatic, over the networks", speedups, "×", "median ≥ 2")


def run_both(case: Case, seed: int, plan: dict[str, str]) -> tuple[Outcome, dict[float, Outcome]]:
    """Returns the plain loop's outcome, and Naiad's by fraction of its epochs."""
    splits = case.data(seed)
    plain = train_plain_loop(case, splits, seed)
    return plain, {
        fraction: train_automatically(case, splits, seed, epochs=max(1, round(fraction * case.epochs)), plan=plan)
        for fraction in FRACTIONS
    }


def print_row(claim: str, values: list[float], unit: str, goal: str, note: str = "") -> None:
    print(log_row(claim, values, unit=unit, goal=goal, script="autoscale_nets.py", note=note), flush=True)


if __name__ == "__main__":
    main()
