"""Runs one peer on Fashion-MNIST, in a process and an environment of its own; used by fashion_peers.py."""

import gzip
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import environments

HERE = Path(__file__).parent
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
TIMEOUT_S = 1_800.0


@dataclass(frozen=True)
class Recipe:
    epochs: int = 1
    batch_size: int = 64
    learning_rate: float = 1e-3
    settings: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        settings = "".join(f", {name} {value}" for name, value in self.settings.items())
        return f"{self.epochs} epochs, batch {self.batch_size}, rate {self.learning_rate:g}{settings}"


@dataclass(frozen=True)
class Outcome:
    seconds: float
    train_seconds: float
    accuracy: float


@dataclass
class Runs:
    """Starts peers, each in an environment of its own, with all cores."""

    folder: Path
    root: Path
    samples: int | None
    threads: int

    def run_once(
        self, peer: str, recipe: Recipe, *, seed: int, validate: bool = False, cache: Path | None = None
    ) -> Outcome:
        """``cache``: Naiad's measurement cache; None is an empty one. A peer's script has its name up to the first ``-``."""
        peer = peer.partition("-")[0]
        task = {**asdict(recipe), "root": str(self.root), "seed": seed, "samples": self.samples, "validate": validate}
        command = [environments.find_python(peer, self.folder), str(HERE / "peers" / f"fashion_{peer}.py")]
        with tempfile.TemporaryDirectory(prefix="naiad-bench-") as empty_folder:
            completed = subprocess.run(
                [*command, json.dumps(task)], env=self._variables(cache or Path(empty_folder), peer), cwd=empty_folder,
                capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
        if completed.returncode:
            raise SystemExit(f"{peer} failed:\n{completed.stderr[-3_000:]}")
        return Outcome(**json.loads(completed.stdout.splitlines()[-1]))

    def _variables(self, cache: Path, peer: str) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if peer == "naiad" or not name.startswith("PYTHON")
        }
        own = {"OMP_NUM_THREADS": str(self.threads), "KERAS_BACKEND": "torch", "XDG_CACHE_HOME": str(cache)}
        return {**inherited, **own}


def unpack(files: Path, root: Path) -> Path:
    """Returns ``root`` for torchvision, with unpacked copies of the files."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if not (raw / name).exists():
            with gzip.open(files / f"{name}.gz") as source, (raw / f"{name}.partial").open("wb") as copy:
                shutil.copyfileobj(source, copy)
            (raw / f"{name}.partial").rename(raw / name)
    return root


def mean_seconds(outcomes: Sequence[Outcome]) -> float:
    return statistics.fmean(outcome.seconds for outcome in outcomes)


def mean_accuracy(outcomes: Sequence[Outcome]) -> float:
    return statistics.fmean(outcome.accuracy for outcome in outcomes)
