"""Measures what reading and cleaning cost in two versions of Naiad: seconds and peak memory, in interleaved fresh processes.

``--before`` is the older version's python, ``--after`` the newer one's (this one when left out):

    python benchmarks/reading_cost.py --before /somewhere/else/.venv/bin/python [--rows 1000000] [--images 60000] [--rounds 5]

The table has twenty columns: ten of numbers with a fraction, four of whole numbers, four of words, a date, and the label; a
hundredth of its cells is empty. The images are Fashion-MNIST's own, written as JPEG files into one folder a class.
Both sides call ``prepare``: read, clean, split, and compute the statistics of the features. No network is trained.
A first round, which fills the system's cache of files, is not counted.
"""

import argparse
import csv
import gzip
import json
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from log import log_row
from PIL import Image

DEBIAN_FILES = Path("/usr/share/datasets/fashion-mnist")

PREPARE = """
import json, resource, sys, time
from naiad.trainer.data.prepare import DataOptions, prepare
label = sys.argv[2] or None
started = time.perf_counter()
dataset = prepare(sys.argv[1], DataOptions(label=label))
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
print(json.dumps([seconds, peak, len(dataset.train) + len(dataset.validation)]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", required=True)
    parser.add_argument("--after", default=sys.executable)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with TemporaryDirectory() as home:
        table, images = Path(home, "table.csv"), Path(home, "images")
        write_table(table, options.rows)
        write_images(images, options.images)
        for name, data, label in (
            (f"a CSV of {options.rows:,} × 20", table, "bought"),
            (f"{options.images:,} JPEG files", images, ""),
        ):
            compare(name, [str(data), label], {"before": options.before, "after": options.after}, options.rounds)
    return 0


def compare(name: str, arguments: list[str], pythons: dict[str, str], rounds: int) -> None:
    """Prints rows of LOG.md: the ratio of the sides' seconds, and of their peak memory."""
    ratios: dict[str, list[float]] = {"seconds": [], "peak memory": []}
    values: dict[str, list[list[float]]] = {side: [] for side in pythons}
    for number in range(rounds + 1):
        sides = list(pythons) if number % 2 else list(pythons)[::-1]
        measured = {side: prepare(pythons[side], arguments) for side in sides}
        if number == 0:
            continue
        for side in sides:
            values[side].append(measured[side])
        for place, what in enumerate(ratios):
            ratios[what].append(measured["after"][place] / measured["before"][place])
    medians = {side: [statistics.median(column) for column in zip(*values[side], strict=True)] for side in pythons}
    units, goals = {"seconds": "s", "peak memory": "MiB"}, {"seconds": "≤ 1.05", "peak memory": "≤ 1.1"}
    for place, what in enumerate(ratios):
        claim = f"{what} to read and clean {name} ÷ the commit before"
        sides_text = ", ".join(f"{side} {medians[side][place]:.4g} {units[what]}" for side in pythons)
        print(
            log_row(claim, ratios[what], unit="×", goal=goals[what], script="reading_cost.py", note=sides_text),
            flush=True,
        )


def prepare(python: str, arguments: list[str]) -> list[float]:
    """Returns seconds, peak memory in MiB, and the number of samples, of one call in a fresh process."""
    done = subprocess.run([python, "-c", PREPARE, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{python} failed:\n{done.stderr}")
    return [float(value) for value in json.loads(done.stdout.splitlines()[-1])]


def write_table(file: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    columns = [np.char.mod("%.4f", rng.normal(size=rows)) for _ in range(10)]
    columns += [rng.integers(0, 10 ** (place + 2), rows).astype(str) for place in range(4)]
    columns += [np.array([f"{word}-{number}" for number in range(4**place)])[rng.integers(0, 4**place, rows)]
                for place, word in enumerate(("shop", "town", "colour", "size"), start=1)]  # fmt: skip
    days = np.datetime64("2020-01-01") + rng.integers(0, 1_000, rows)
    columns += [days.astype(str), np.where(rng.random(rows) < 0.3, "yes", "no")]
    for column in columns[:-1]:
        column[rng.random(rows) < 0.01] = ""
    names = [f"value {place}" for place in range(10)] + [f"count {place}" for place in range(4)]
    names += ["shop", "town", "colour", "size", "day", "bought"]
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(names)
        writer.writerows(zip(*columns, strict=True))


def write_images(folder: Path, count: int) -> None:
    pixels = read_idx("train-images-idx3-ubyte", 16).reshape(-1, 28, 28)
    labels = read_idx("train-labels-idx1-ubyte", 8)
    for place in range(count):
        class_folder = folder / f"class {labels[place]}"
        class_folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[place]).save(class_folder / f"{place}.jpg", quality=90)


def read_idx(name: str, header_bytes: int) -> npt.NDArray[np.uint8]:
    file = DEBIAN_FILES / name
    packed = file.with_name(f"{name}.gz")
    content = file.read_bytes() if file.exists() else gzip.decompress(packed.read_bytes())
    return np.frombuffer(content, dtype=np.uint8, offset=header_bytes)


if __name__ == "__main__":
    sys.exit(main())
