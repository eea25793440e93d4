"""``python -m naiad.service.endpoints.worker.engine_benchmark MODEL_FOLDER``: which engine to take for an artifact.

Times each, compares it with the reference scores that the artifact keeps, and prints what it found as one line of JSON. Each
engine is a process of its own, so that one that crashes or hangs is a row of the table and not the end. All load at once; they
are timed one after the other.

``--hasty yes`` leaves torch, which takes seconds to load, for later where another engine agrees already: the table then names it
as unmeasured, and ``--engine torch`` measures it alone. Not where there is a GPU, on which it may be the fastest by far.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.artifact import ServedArtifact, open_artifact
from naiad.service.endpoints.worker.engines.loader import available_engines, open_engine
from naiad.service.endpoints.worker.inference import Engine

BATCHES = (1, 8, 32)
TABLE = "engines.json"
_SLOW = ("torch",)
"""To load."""
_GPUS = ("/dev/nvidiactl", "/dev/kfd")
_LOADED_WITHIN_S = 60.0
_MEASURED_WITHIN_S = 30.0
_MEASURE_S = 0.06
"""By batch size, after one run that is not counted."""
_LONGEST_RUN_S = 0.4
"""Of a batch that is measured."""
_MOST_RUNS = 200
_RTOL, _ATOL = 1e-3, 1e-4
_LOOSE_ATOL = 2e-2
"""Of scores in bf16, where the class is the same for every sample."""
_LOOSE_RTOL = 1e-2
"""Of a regression's values in bf16."""
_TIE = 0.05
_NEARLY = 0.95
"""A batch that reaches so much of the best rate is large enough."""


@dataclass(frozen=True)
class Row:
    """What was found of an engine. Rates in samples a second, by the batch sizes of BATCHES."""

    engine: str
    error: str = ""
    agrees: bool = False
    difference: float = 0.0
    """The largest of a score to the reference's."""
    top1_agrees: bool = False
    loaded_s: float = 0.0
    latency_us: float = 0.0
    """Of one sample alone; the median."""
    samples_per_s: tuple[float, ...] = ()
    memory_mb: float = 0.0


@dataclass(frozen=True)
class Choice:
    chosen: str | None
    most_samples: int
    reason: str


def probe(folder: Path, *, threads: int = 1, hasty: bool = False) -> dict[str, Any]:
    """The table as JSON. Raises ArtifactError for a folder that is none."""
    names = available_engines(open_artifact(folder))
    later = [name for name in names if name in _SLOW and hasty and not any(map(os.path.exists, _GPUS))]
    rows = _rows([name for name in names if name not in later], folder, threads)
    if later and choose(rows).chosen is None:
        rows, later = rows + _rows(later, folder, threads), []
    return table_of(rows, later)


def table_of(rows: Sequence[Row], unmeasured: Sequence[str]) -> dict[str, Any]:
    choice = choose(rows)
    measured = {"rows": [asdict(row) for row in rows], "unmeasured": list(unmeasured), "batches": list(BATCHES)}
    return {**measured, **asdict(choice)}


def with_row(table: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """With what was found later of an engine; the choice stays, since replicas run by it."""
    unmeasured = [name for name in table["unmeasured"] if name != row["engine"]]
    return {**table, "rows": [*table["rows"], row], "unmeasured": unmeasured}


def row_of_failure(engine: str, error: str) -> dict[str, Any]:
    return asdict(Row(engine, error=error))


def choose(rows: Sequence[Row]) -> Choice:
    """The fastest for one sample of those that agree; of two that are within 5 %, the smaller one."""
    fit = [row for row in rows if row.agrees]
    if not fit:
        reasons = "; ".join(f"{row.engine}: {row.error or f'differs by {row.difference:.2g}'}" for row in rows)
        return Choice(None, 1, f"no engine agrees with the reference scores: {reasons}")
    best_us = min(row.latency_us for row in fit)
    close = [row for row in fit if row.latency_us <= best_us * (1 + _TIE)]
    chosen = min(close, key=lambda row: row.memory_mb)
    best_rate = max(chosen.samples_per_s)
    enough = (size for size, rate in zip(BATCHES, chosen.samples_per_s, strict=True) if rate >= _NEARLY * best_rate)
    others = "the only one that agrees" if len(fit) == 1 else "the fastest that agrees with the reference scores"
    return Choice(chosen.engine, next(enough), others)


def table_lines(table: Mapping[str, Any]) -> list[str]:
    """For people: a line an engine, each beginning with ``engine``."""
    lines = []
    for row in table["rows"]:
        if row["error"]:
            lines.append(f"engine {row['engine']:<14} {row['error']}")
            continue
        rates = ", ".join(f"{rate:,.0f}" for rate in row["samples_per_s"])
        agrees = "agrees" if row["agrees"] else "does not agree"
        lines.append(
            f"engine {row['engine']:<14} {row['latency_us']:,.0f} µs a sample, {rates} samples/s in batches of "
            f"{', '.join(map(str, table['batches']))}; {agrees} (difference {row['difference']:.1e}), "
            f"{row['memory_mb']:,.0f} MB, loaded in {row['loaded_s']:.1f} s"
        )
    lines += [
        f"engine {name:<14} is measured when replicas answer: another engine agrees already"
        for name in table["unmeasured"]
    ]
    lines.append(f"engine chosen: {table['chosen']}, {table['reason']}; at most {table['most_samples']} at once")
    return lines


def write_table(folder: Path, table: Mapping[str, Any]) -> None:
    """Beside the model's files."""
    (folder / TABLE).write_text(json.dumps(table, indent=1), encoding="utf-8")


def _rows(names: Sequence[str], folder: Path, threads: int) -> list[Row]:
    children = [_Child(name, folder, threads) for name in names]
    return [child.row() for child in children]


class _Child:
    """An engine's process. It loads at once, and measures when its row is asked for."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        self._name = name
        words = [sys.executable, "-m", __spec__.name, str(folder), "--threads", str(threads), "--engine", name]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  # reason: this program

    def row(self) -> Row:
        timer = threading.Timer(_LOADED_WITHIN_S + _MEASURED_WITHIN_S, self._process.kill)
        timer.start()
        try:
            out, err = self._process.communicate(b"go\n")
        finally:
            timer.cancel()
        try:
            values = json.loads(out.decode().strip().splitlines()[-1])
            return Row(**{**values, "samples_per_s": tuple(values["samples_per_s"])})
        except (ValueError, IndexError, TypeError, KeyError):
            last = err.decode("utf-8", "replace").strip().splitlines()
            status = self._process.returncode
            how = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
            return Row(self._name, error=f"{how}: {last[-1][:300] if last else 'no word'}")


def measure(name: str, artifact: ServedArtifact, *, threads: int, when_loaded: Callable[[], None]) -> Row:
    """An engine in this process; ``when_loaded`` returns when it is its turn."""
    began = time.perf_counter()
    try:
        engine = open_engine(name, artifact, threads)
        raw, reference = _samples(artifact, engine)
        found = engine.run(raw)
    except Exception as error:  # noqa: BLE001  # reason: a library may raise anything at a program that it does not like
        return Row(name, error=f"{type(error).__name__}: {error}".splitlines()[0][:300])
    loaded_s = time.perf_counter() - began
    when_loaded()
    task = artifact.values.get("task", "")
    latency_s, rates = _rates(engine, raw)
    return Row(
        name,
        agrees=_agrees(found, reference, exact=not name.endswith("bf16"), task=task),
        difference=float(np.abs(found - reference).max()) if found.shape == reference.shape else float("inf"),
        top1_agrees=found.shape == reference.shape and bool((found.argmax(1) == reference.argmax(1)).all()),
        loaded_s=round(loaded_s, 3),
        latency_us=round(latency_s * 1e6, 1),
        samples_per_s=tuple(round(rate, 1) for rate in rates),
        memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


def _agrees(found: npt.NDArray[np.float32], reference: npt.NDArray[np.float32], *, exact: bool, task: str) -> bool:
    if found.shape != reference.shape:
        return False
    if exact:
        return bool(np.allclose(found, reference, rtol=_RTOL, atol=_ATOL, equal_nan=True))
    if task == "regression":
        scale = max(float(np.abs(reference).max()), 1e-9)
        return bool(np.abs(found - reference).max() <= _LOOSE_RTOL * scale)
    same = bool((found.argmax(1) == reference.argmax(1)).all())
    return same and bool(np.abs(found - reference).max() <= _LOOSE_ATOL)


def _samples(artifact: ServedArtifact, engine: Engine) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
    """An artifact that keeps no samples is its own reference, on zeros: then only the speed is compared."""
    kept = artifact.samples()
    if kept is not None and len(kept[0]):
        return kept
    from naiad.service.endpoints.worker.input_schema import read_schema  # noqa: PLC0415  # reason: rarely needed

    schema = read_schema(artifact.values["input"])
    raw = np.zeros((2, *schema.sample_shape), dtype=schema.dtype)
    return raw, engine.run(raw)


def _rates(engine: Engine, raw: npt.NDArray[Any]) -> tuple[float, list[float]]:
    """(of one sample, samples a second by batch size). A batch that would take long counts as no faster than a smaller one."""
    latency_s = _median_s(engine, _batch(raw, 1))
    rates = [1 / latency_s]
    for size in BATCHES[1:]:
        is_long = size / rates[-1] > _LONGEST_RUN_S
        rates.append(rates[-1] if is_long else size / _median_s(engine, _batch(raw, size)))
    return latency_s, rates


def _batch(raw: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    return np.ascontiguousarray(raw[np.arange(size) % len(raw)])


def _median_s(engine: Engine, batch: npt.NDArray[Any]) -> float:
    engine.run(batch)
    times: list[float] = []
    end = time.perf_counter() + _MEASURE_S
    while not times or (time.perf_counter() < end and len(times) < _MOST_RUNS):
        began = time.perf_counter()
        engine.run(batch)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def main(words: Sequence[str]) -> int:
    """Does not return when all is well."""
    folder, given = Path(words[0]), dict(zip(words[1::2], words[2::2], strict=True))
    threads = int(given.get("--threads", "1"))
    try:
        if "--engine" in given:
            artifact = open_artifact(folder)
            row = measure(given["--engine"], artifact, threads=threads, when_loaded=_turn)
            text = json.dumps(asdict(row))
        else:
            text = json.dumps(probe(folder, threads=threads, hasty="--hasty" in given))
    except ArtifactError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print(text, flush=True)  # noqa: T201  # reason: what this program is for
    os._exit(0)  # the libraries would take long to say goodbye


def _turn() -> None:
    """Returns when the parent says so."""
    sys.stdin.readline()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
