"""Measures the cost of loading: batches from memory against the step, and streamed photos against torchvision's ImageFolder.

    python benchmarks/loading.py [--photos 1200] [--sides 224 64] [--rounds 5]

Memory: the time to gather an epoch's batches of SimpleNet on Fashion-MNIST, batch 128, ÷ the time of the steps alone.

Photos: JPEG files of 500×375 pixels, cropped from scikit-learn's two sample photos, resized to a square and normalised, in
shuffled batches of 64. ImageFolder has Resize, ToTensor and Normalize in a DataLoader, with the number of worker processes that
is fastest here. Naiad holds nothing in memory and is measured in three ways: the first epoch, which decodes every file, looks for
damaged files and duplicates, and caches the decoded images in a file; a later epoch, from that file; and an epoch that decodes
again, as on a machine without free disk space. No training runs meanwhile. The files are in the system's cache for both sides.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from log import log_row
from loop_sides import BATCH as STEP_BATCH
from loop_sides import Sides
from PIL import Image
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from naiad.trainer.data.batches import BatchLoader
from naiad.trainer.data.cleaning import image_cache
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.prepare import DataOptions, prepare

BATCH = 64
WIDTH, HEIGHT = 500, 375
WORKERS = (0, 1, 2, 4)


def write_photos(folder: Path, count: int, *, seed: int) -> None:
    random = np.random.default_rng(seed)
    photos = [np.asarray(image) for image in load_sample_images().images]
    for index in range(count):
        photo = photos[index % 2]
        top, left = (random.integers(0, free + 1) for free in (photo.shape[0] - HEIGHT, photo.shape[1] - WIDTH))
        crop = photo[top : top + HEIGHT, left : left + WIDTH].astype(np.int16) + random.integers(-20, 21)
        path = folder / ("temple", "flower")[index % 2] / f"{index:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop.clip(0, 255).astype(np.uint8)).save(path, quality=90)


# ---- photos


class ImageFolderEpochs:
    def __init__(self, folder: Path, side: int) -> None:
        normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        steps = [transforms.Resize((side, side)), transforms.ToTensor(), normalise]
        self.images = ImageFolder(str(folder / "train"), transforms.Compose(steps))
        self.workers = min(WORKERS, key=lambda workers: statistics.median(self.epoch(workers) for _ in range(2)))

    def epoch(self, workers: int | None = None) -> float:
        """Returns the seconds of an epoch. Workers persist between epochs, so that their start is not counted."""
        count = self.workers if workers is None else workers
        loader = DataLoader(self.images, BATCH, shuffle=True, num_workers=count, persistent_workers=count > 0)
        if count:
            exhaust(loader)
        return seconds_of(lambda: exhaust(loader))


class NaiadEpochs:
    def __init__(self, folder: Path, side: int) -> None:
        self.folder, self.side = folder, side

    def first_epoch(self) -> float:
        started = time.perf_counter()
        self.dataset = self._prepare()
        self._run_epoch(self.dataset, 0)
        return time.perf_counter() - started

    def later_epoch(self) -> float:
        return seconds_of(lambda: self._run_epoch(self.dataset, 1))

    def decoding_epoch(self) -> float:
        fraction, image_cache.MAX_DISK_FRACTION = image_cache.MAX_DISK_FRACTION, 0.0
        try:
            dataset = self._prepare()
        finally:
            image_cache.MAX_DISK_FRACTION = fraction
        return seconds_of(lambda: self._run_epoch(dataset, 1))

    def _prepare(self) -> Dataset:
        return prepare(self.folder, DataOptions(image_size=self.side, memory_limit_bytes=0))

    def _run_epoch(self, dataset: Dataset, epoch: int) -> None:
        count = sum(len(dataset.features(batch.raw)) for batch in BatchLoader(dataset.train, BATCH, 0).epoch(epoch))
        assert count == len(dataset.train)


def exhaust(loader: DataLoader[object]) -> None:
    for _ in loader:
        pass


def seconds_of(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare_photos(folder: Path, photos: int, side: int, rounds: int) -> None:
    image_folder, naiad_epochs = ImageFolderEpochs(folder, side), NaiadEpochs(folder, side)
    seconds: dict[str, list[float]] = {name: [] for name in ("ImageFolder", "first", "later", "decoding")}
    for number in range(rounds):
        epochs = {
            "ImageFolder": image_folder.epoch,
            "first": naiad_epochs.first_epoch,
            "later": naiad_epochs.later_epoch,
            "decoding": naiad_epochs.decoding_epoch,
        }
        for name in epochs if number % 2 == 0 else ("first", "later", "decoding", "ImageFolder"):
            seconds[name].append(epochs[name]())
        print({name: round(values[-1], 3) for name, values in seconds.items()}, flush=True)
    note = f"{photos} photos of {WIDTH}×{HEIGHT}; ImageFolder with {image_folder.workers} workers"
    for name, claim, goal in (
        ("later", "later epochs", "≥ 2"),
        ("decoding", "decoded again each time", ""),
        ("first", "first epoch, with cleaning", ""),
    ):
        ratios = [a / b for a, b in zip(seconds["ImageFolder"], seconds[name], strict=True)]
        rates = " and ".join(f"{photos / statistics.median(seconds[side]):.0f}" for side in ("ImageFolder", name))
        print_row(
            f"streamed JPEG at {side}×{side}: ImageFolder ÷ Naiad, {claim}", ratios, goal, f"{note}; {rates} images/s"
        )


# ---- memory


def compare_memory(rounds: int) -> None:
    sides = Sides(55_000)
    sides.bare()
    ratios = []
    for _ in range(rounds):
        step_s = sides.bare().wall_s
        loading_s = seconds_of(lambda: [None for _ in sides.loader.epoch(0)] and None)
        ratios.append(100 * loading_s / step_s)
    print_row("loading from memory, of the step's time", ratios, "≤ 2 %", f"SimpleNet, batch {STEP_BATCH}", unit="%")


def print_row(claim: str, values: list[float], goal: str, note: str, *, unit: str = "×") -> None:
    print(log_row(claim, values, unit=unit, goal=goal, script="loading.py", note=note), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1_200)
    parser.add_argument("--sides", type=int, nargs="*", default=[224, 64])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    compare_memory(options.rounds)
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as folder:
        write_photos(Path(folder) / "train", options.photos, seed=0)
        write_photos(Path(folder) / "validation", 4, seed=1)
        for side in options.sides:
            compare_photos(Path(folder), options.photos, side, options.rounds)


if __name__ == "__main__":
    main()
