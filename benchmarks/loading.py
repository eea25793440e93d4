"""What loading costs: batches from memory beside the step, and streamed photos against torchvision's ImageFolder.

    python benchmarks/loading.py [--photos 1200] [--sides 224 64] [--rounds 5]

Memory: an epoch's batches of SimpleNet on Fashion-MNIST, batch 128, gathered alone, ÷ the steps alone.

Photos: JPEG files of 500×375 pixels, cut from scikit-learn's two sample photos, brought to a square of so many pixels and
normalised, in shuffled batches of 64. Theirs: ImageFolder with Resize, ToTensor and Normalize in a DataLoader, with the number of
worker processes that is fastest here. Ours: nothing is held in memory, in three ways: the first epoch, which decodes every file,
looks for damaged ones and for copies, and keeps what is decoded in a file; a later one, from that file; and an epoch that decodes
again, as on a machine whose disk has no room. Nobody trains meanwhile. The files are in the system's cache for all.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from log import row
from loop_overhead import BATCH as STEP_BATCH
from loop_overhead import Sides
from PIL import Image
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from naiad.trainer.data.batches import Feed
from naiad.trainer.data.cleaning import decoded_images
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.prepare import prepare

BATCH = 64
WIDTH, HEIGHT = 500, 375
WORKERS = (0, 1, 2, 4)


def take_photos(folder: Path, count: int, *, seed: int) -> None:
    random = np.random.default_rng(seed)
    photos = [np.asarray(image) for image in load_sample_images().images]
    for index in range(count):
        photo = photos[index % 2]
        top, left = (random.integers(0, free + 1) for free in (photo.shape[0] - HEIGHT, photo.shape[1] - WIDTH))
        cut = photo[top : top + HEIGHT, left : left + WIDTH].astype(np.int16) + random.integers(-20, 21)
        place = folder / ("temple", "flower")[index % 2] / f"{index:05}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(cut.clip(0, 255).astype(np.uint8)).save(place, quality=90)


# ---- photos


class Theirs:
    def __init__(self, folder: Path, side: int) -> None:
        normalise = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        steps = [transforms.Resize((side, side)), transforms.ToTensor(), normalise]
        self.images = ImageFolder(str(folder / "train"), transforms.Compose(steps))
        self.workers = min(WORKERS, key=lambda workers: statistics.median(self.epoch(workers) for _ in range(2)))

    def epoch(self, workers: int | None = None) -> float:
        """Seconds. Workers are kept from one epoch to the next, so starting them is not counted."""
        count = self.workers if workers is None else workers
        loader = DataLoader(self.images, BATCH, shuffle=True, num_workers=count, persistent_workers=count > 0)
        if count:
            seen(loader)
        return timed(lambda: seen(loader))


class Ours:
    def __init__(self, folder: Path, side: int) -> None:
        self.folder, self.side = folder, side

    def first_epoch(self) -> float:
        begun = time.perf_counter()
        self.dataset = self._prepared()
        self._see(self.dataset, 0)
        return time.perf_counter() - begun

    def later_epoch(self) -> float:
        return timed(lambda: self._see(self.dataset, 1))

    def decoding_epoch(self) -> float:
        part, decoded_images.DISK_PART = decoded_images.DISK_PART, 0.0
        try:
            dataset = self._prepared()
        finally:
            decoded_images.DISK_PART = part
        return timed(lambda: self._see(dataset, 1))

    def _prepared(self) -> Dataset:
        return prepare(self.folder, image_size=self.side, memory_limit_bytes=0)

    def _see(self, dataset: Dataset, epoch: int) -> None:
        count = sum(len(dataset.features(batch.raw)) for batch in Feed(dataset.train, BATCH, 0).epoch(epoch))
        assert count == len(dataset.train)


def seen(loader: DataLoader[object]) -> None:
    for _ in loader:
        pass


def timed(piece: Callable[[], None]) -> float:
    begun = time.perf_counter()
    piece()
    return time.perf_counter() - begun


def compare_photos(folder: Path, photos: int, side: int, rounds: int) -> None:
    theirs, ours = Theirs(folder, side), Ours(folder, side)
    spent: dict[str, list[float]] = {name: [] for name in ("ImageFolder", "first", "later", "decoding")}
    for number in range(rounds):
        pieces = {
            "ImageFolder": theirs.epoch,
            "first": ours.first_epoch,
            "later": ours.later_epoch,
            "decoding": ours.decoding_epoch,
        }
        for name in pieces if number % 2 == 0 else ("first", "later", "decoding", "ImageFolder"):
            spent[name].append(pieces[name]())
        print({name: round(values[-1], 3) for name, values in spent.items()}, flush=True)
    told = f"{photos} photos of {WIDTH}×{HEIGHT}; ImageFolder with {theirs.workers} workers"
    for name, claim, goal in (
        ("later", "later epochs", "≥ 2"),
        ("decoding", "decoded again each time", ""),
        ("first", "first epoch, with cleaning", ""),
    ):
        ratios = [a / b for a, b in zip(spent["ImageFolder"], spent[name], strict=True)]
        rates = " and ".join(f"{photos / statistics.median(spent[side]):.0f}" for side in ("ImageFolder", name))
        say(f"streamed JPEG at {side}×{side}: ImageFolder ÷ Naiad, {claim}", ratios, goal, f"{told}; {rates} images/s")


# ---- memory


def compare_memory(rounds: int) -> None:
    sides = Sides(55_000)
    sides.bare()
    ratios = []
    for _ in range(rounds):
        step_s = sides.bare().wall_s
        loading_s = timed(lambda: [None for _ in sides.feed.epoch(0)] and None)
        ratios.append(100 * loading_s / step_s)
    say("loading from memory, of the step's time", ratios, "≤ 2 %", f"SimpleNet, batch {STEP_BATCH}", unit="%")


def say(claim: str, values: list[float], goal: str, note: str, *, unit: str = "×") -> None:
    print(row(claim, values, unit=unit, goal=goal, script="loading.py", note=note), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1_200)
    parser.add_argument("--sides", type=int, nargs="*", default=[224, 64])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    compare_memory(given.rounds)
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as folder:
        take_photos(Path(folder) / "train", given.photos, seed=0)
        take_photos(Path(folder) / "validation", 4, seed=1)
        for side in given.sides:
            compare_photos(Path(folder), given.photos, side, given.rounds)


if __name__ == "__main__":
    main()
