"""``python -m naiad.service.endpoints.worker.engine_benchmark MODEL_FOLDER``: measures an artifact's engines and chooses one.

Prints the table as one line of JSON. Each engine is timed, and compared with the reference scores that the artifact keeps.
Each runs in a process of its own, so that one that crashes or hangs is a row of the table and not the end. All load at once;
they are timed one after the other.

``--skip-slow`` leaves out torch, which takes seconds to load, where another engine agrees: the table then lists it as unmeasured,
and ``--engine torch`` measures it alone. On a GPU torch is never left out, since it may be the fastest by far.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.artifact import ServedArtifact, open_artifact
from naiad.service.endpoints.worker.engine_table import BATCH_SIZES, EngineMeasurement, choose_engine, make_table
from naiad.service.endpoints.worker.engines.loader import available_engines, load_engine
from naiad.service.endpoints.worker.engines.port import Engine, Scores

_SLOW_TO_LOAD = ("torch",)
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd")
_LOAD_TIMEOUT_S = 60.0
_MEASURE_TIMEOUT_S = 30.0
_MEASURE_S = 0.06
"""Time for each batch size, after one run that does not count."""
_MAX_BATCH_S = 0.4
"""A batch that would take longer is not measured."""
_MAX_RUNS = 200
_RTOL, _ATOL = 1e-3, 1e-4
_BF16_ATOL = 2e-2
"""Tolerance of scores in bf16, where the class must be the same for every sample."""
_BF16_RTOL = 1e-2
"""Tolerance of a regression's values in bf16."""


def benchmark_engines(folder: Path, *, threads: int = 1, skip_slow: bool = False) -> dict[str, Any]:
    """Returns the table as JSON values. Raises ArtifactError for a folder that is not an artifact."""
    names = available_engines(open_artifact(folder))
    has_gpu = any(map(os.path.exists, _GPU_DEVICES))
    unmeasured = [name for name in names if name in _SLOW_TO_LOAD and skip_slow and not has_gpu]
    measurements = _measure_all([name for name in names if name not in unmeasured], folder, threads)
    if unmeasured and choose_engine(measurements).chosen is None:
        measurements, unmeasured = measurements + _measure_all(unmeasured, folder, threads), []
    return make_table(measurements, unmeasured)


def _measure_all(names: Sequence[str], folder: Path, threads: int) -> list[EngineMeasurement]:
    processes = [_EngineProcess(name, folder, threads) for name in names]
    return [process.measure() for process in processes]


class _EngineProcess:
    """Process of one engine. It loads the engine at once, and measures it when it is told to."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        self._name = name
        command = [sys.executable, "-m", __spec__.name, str(folder), "--threads", str(threads), "--engine", name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  # reason: this program

    def measure(self) -> EngineMeasurement:
        timer = threading.Timer(_LOAD_TIMEOUT_S + _MEASURE_TIMEOUT_S, self._process.kill)
        timer.start()
        try:
            out, err = self._process.communicate(b"go\n")
        finally:
            timer.cancel()
        try:
            values = json.loads(out.decode().strip().splitlines()[-1])
            return EngineMeasurement(**{**values, "samples_per_s": tuple(values["samples_per_s"])})
        except (ValueError, IndexError, TypeError, KeyError):
            lines = err.decode("utf-8", "replace").strip().splitlines()
            status = self._process.returncode
            exit_text = f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
            return EngineMeasurement(self._name, error=f"{exit_text}: {lines[-1][:300] if lines else 'no output'}")


def measure_engine(
    name: str, artifact: ServedArtifact, *, threads: int, wait_turn: Callable[[], None]
) -> EngineMeasurement:
    """Measures an engine in this process. wait_turn: called once it is loaded; returns when it may be timed."""
    started_at = time.perf_counter()
    try:
        engine = load_engine(name, artifact, threads)
        raw, reference = _load_samples(artifact, engine)
        scores = engine.run(raw)
    except Exception as error:  # noqa: BLE001  # reason: a library may raise anything at a program that it does not like
        return EngineMeasurement(name, error=f"{type(error).__name__}: {error}".splitlines()[0][:300])
    loaded_s = time.perf_counter() - started_at
    wait_turn()
    task = artifact.values.get("task", "")
    latency_s, rates = _measure_speed(engine, raw)
    has_shape = scores.shape == reference.shape
    return EngineMeasurement(
        name,
        agrees=_agrees(scores, reference, is_exact=not name.endswith("bf16"), task=task),
        difference=float(np.abs(scores - reference).max()) if has_shape else float("inf"),
        top1_agrees=has_shape and bool((scores.argmax(1) == reference.argmax(1)).all()),
        loaded_s=round(loaded_s, 3),
        latency_us=round(latency_s * 1e6, 1),
        samples_per_s=tuple(round(rate, 1) for rate in rates),
        memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


def _agrees(scores: Scores, reference: Scores, *, is_exact: bool, task: str) -> bool:
    if scores.shape != reference.shape:
        return False
    if reference.dtype == np.float64:  # its differences count, which are small beside its mean
        scores, reference = scores - np.nanmean(reference), reference - np.nanmean(reference)
    if is_exact:
        return bool(np.allclose(scores, reference, rtol=_RTOL, atol=_ATOL, equal_nan=True))
    if task == "regression":
        scale = max(float(np.abs(reference).max()), 1e-9)
        return bool(np.abs(scores - reference).max() <= _BF16_RTOL * scale)
    has_same_classes = bool((scores.argmax(1) == reference.argmax(1)).all())
    return has_same_classes and bool(np.abs(scores - reference).max() <= _BF16_ATOL)


def _load_samples(artifact: ServedArtifact, engine: Engine) -> tuple[npt.NDArray[Any], Scores]:
    """Returns (raw inputs, reference scores).

    An artifact without samples gets zeros and the engine's own scores: then only the speed is compared.
    """
    samples = artifact.samples()
    if samples is not None and len(samples[0]):
        return samples
    from naiad.service.endpoints.worker.input_schema import read_input_schema  # noqa: PLC0415  # reason: slow, rarely needed

    schema = read_input_schema(artifact.values["input"])
    raw = np.zeros((2, *schema.sample_shape), dtype=schema.dtype)
    return raw, engine.run(raw)


def _measure_speed(engine: Engine, raw: npt.NDArray[Any]) -> tuple[float, list[float]]:
    """Returns (seconds of one sample, samples a second by batch size). A batch that is too long counts like the size before."""
    latency_s = _median_s(engine, _make_batch(raw, 1))
    rates = [1 / latency_s]
    for size in BATCH_SIZES[1:]:
        is_too_long = size / rates[-1] > _MAX_BATCH_S
        rates.append(rates[-1] if is_too_long else size / _median_s(engine, _make_batch(raw, size)))
    return latency_s, rates


def _make_batch(raw: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    return np.ascontiguousarray(raw[np.arange(size) % len(raw)])


def _median_s(engine: Engine, batch: npt.NDArray[Any]) -> float:
    engine.run(batch)
    times: list[float] = []
    deadline = time.perf_counter() + _MEASURE_S
    while not times or (time.perf_counter() < deadline and len(times) < _MAX_RUNS):
        started_at = time.perf_counter()
        engine.run(batch)
        times.append(time.perf_counter() - started_at)
    return float(np.median(times))


def main(arguments: Sequence[str]) -> int:
    """Exits the process itself on success."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--engine")
    parser.add_argument("--skip-slow", action="store_true")
    options = parser.parse_args(arguments)
    try:
        if options.engine:
            artifact = open_artifact(options.folder)
            row = measure_engine(options.engine, artifact, threads=options.threads, wait_turn=_wait_for_parent)
            text = json.dumps(asdict(row))
        else:
            text = json.dumps(benchmark_engines(options.folder, threads=options.threads, skip_slow=options.skip_slow))
    except ArtifactError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print(text, flush=True)  # noqa: T201  # reason: what this program is for
    os._exit(0)  # the libraries would take long to shut down


def _wait_for_parent() -> None:
    sys.stdin.readline()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
