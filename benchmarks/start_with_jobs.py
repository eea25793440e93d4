"""Measures the start of a server beside 100,000 finished jobs, and its memory when idle, of two versions.

    python benchmarks/start_with_jobs.py --before /somewhere/else/.venv/bin/python [--rounds 10] [--jobs 100000]

``--before`` is the older version's python. Each version fills a database of its own; then their servers start in turn. A start
lasts from the command to the line that says where the server is.
"""

import argparse
import datetime as dt
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from live_server import LiveServer, start_server
from log import log_row
from sqlalchemy import insert

from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.domain.status import Phase
from naiad.service.store.engines import sqlite_engines
from naiad.service.store.job_rows import job_to_row
from naiad.service.store.migrations import upgrade
from naiad.service.store.schema import jobs

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
REQUEST = {
    "AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File"},
    "HyperParameters": {f"parameter-{number}": "value" * 4 for number in range(20)},
}
OPTIONS = ("--no-warm", "--no-aws-hosts")
BATCH = 5000
IDLE_S = 3.0


def fill(state: Path, count: int) -> None:
    """Writes a database of finished jobs."""
    state.mkdir(parents=True)
    engines = sqlite_engines(state / "naiad.db")
    upgrade(engines.writer)
    resources = ResourceRequest(1, 1, 1 << 30)
    for first in range(0, count, BATCH):
        rows = [
            job_to_row(
                Job(JobKind.TRAINING, f"job-{number:06d}", "us-east-1", REQUEST, resources, AT, AT, Phase.COMPLETED)
            )
            for number in range(first, min(first + BATCH, count))
        ]
        with engines.writer.begin() as connection:
            connection.execute(insert(jobs), rows)
    engines.writer.dispose()
    engines.reader.dispose()


def measure(state: Path, python: str) -> tuple[float, float]:
    """Returns (seconds of a start, MB of the idle server)."""
    started = time.perf_counter()
    server = LiveServer(state, start_server(state, *OPTIONS, python=python))
    seconds = time.perf_counter() - started
    time.sleep(IDLE_S)
    memory_mb = server.memory_mb()
    server.process.terminate()
    server.process.communicate(timeout=60)
    return seconds, memory_mb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", help="python of the older version")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--fill", type=Path, help="write a database into this folder, and nothing else")
    options = parser.parse_args()
    if options.fill is not None:
        fill(options.fill, options.jobs)
        return
    sides = {"before": options.before, "after": sys.executable}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as folder:
        for name, python in sides.items():
            command = [python, __file__, "--fill", f"{folder}/{name}/state", "--jobs", str(options.jobs)]
            subprocess.run(command, check=True)
            measure(Path(folder) / name / "state", python)
        for number in range(options.rounds):
            for name in sides if number % 2 == 0 else reversed(sides):
                found[name].append(measure(Path(folder) / name / "state", sides[name]))
    for index, claim, unit in ((0, f"start beside {options.jobs:,} jobs", "s"), (1, "memory of an idle server", "MB")):
        before, after = ([values[index] for values in found[name]] for name in sides)
        ratios = [new / old for old, new in zip(before, after, strict=True)]
        note = (
            f"medians {sorted(before)[len(before) // 2]:.4g} {unit} before, {sorted(after)[len(after) // 2]:.4g} after"
        )
        print(
            log_row(
                f"{claim} ÷ the commit before", ratios, unit="×", goal="≤ 1.03", script=Path(__file__).name, note=note
            )
        )


if __name__ == "__main__":
    main()
