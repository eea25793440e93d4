"""Proves exact resume on the user's own network: killed runs must end bit for bit as the uninterrupted one.

Every run is a process of its own, killed with SIGKILL at a moment drawn between its first checkpoint and the time that an
uninterrupted run takes, then resumed; killed again on the way when the moments say so.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch

from naiad.errors import TrainingError

_POLL_S = 0.005


@dataclass(frozen=True)
class ResumeProof:
    kills: int
    equal: bool
    steps: tuple[int, ...]
    """The newest checkpoint's step at each kill; -1 when there was none yet."""
    differing: tuple[str, ...]
    """``run 3: net.fc1.weight`` for each tensor that differs."""


def verify_resume(
    net: str,
    data: str,
    *,
    kills: int = 5,
    epochs: int = 2,
    seed: int = 0,
    options: Sequence[str] = (),
    report: Callable[[str], None] = lambda _: None,
) -> ResumeProof:
    """``options`` go to ``naiad train`` as they are. Raises TrainingError when an uninterrupted run fails."""
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="naiad-resume-") as scratch:
        command = [*_train(net, data, epochs, seed), *options]
        started = time.monotonic()
        whole = Path(scratch) / "whole"
        _finish([*command, "--out", str(whole)])
        run_s = time.monotonic() - started
        report(f"the uninterrupted run took {run_s:.1f} s")
        steps, differing = [], []
        for number in range(1, kills + 1):
            folder = Path(scratch) / f"killed-{number}"
            step = _killed([*command, "--out", str(folder)], folder, moments.random(), run_s)
            steps.append(step)
            _finish([*command, "--out", str(folder), "--resume"])
            names = _differences(whole, folder)
            differing += [f"run {number}: {name}" for name in names]
            report(f"kill {number} of {kills} after step {step}: {'equal' if not names else 'NOT equal'}")
    return ResumeProof(kills, not differing, tuple(steps), tuple(differing))


def _train(net: str, data: str, epochs: int, seed: int) -> list[str]:
    program = [sys.executable, "-m", "naiad.trainer", net, data]
    return [*program, "--epochs", str(epochs), "--seed", str(seed), "--no-report", "--set", "checkpoint_steps=20"]


def _finish(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # reason: our own program, no shell
    if done.returncode != 0:
        raise TrainingError(f"the run failed with exit status {done.returncode}: {done.stderr.strip()[-500:]}")


def _killed(command: list[str], folder: Path, moment: float, run_s: float) -> int:
    """Starts the run, waits for its first checkpoint and then for ``moment`` (0 to 1) of the rest, kills it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # reason: as below
    started = time.monotonic()
    while process.poll() is None and _newest_step(folder) < 0:
        time.sleep(_POLL_S)
    loop_s = max(0.0, run_s - (time.monotonic() - started))
    until = time.monotonic() + moment * loop_s
    while process.poll() is None and time.monotonic() < until:
        time.sleep(_POLL_S)
    step = _newest_step(folder)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return step


def _newest_step(folder: Path) -> int:
    names = [path.name for path in folder.glob("checkpoints/step-*")]
    return max((int(name.removeprefix("step-")) for name in names), default=-1)


def _differences(whole: Path, resumed: Path) -> list[str]:
    """Names of the weights, and of the last checkpoint's tensors, that are not bitwise equal."""
    differing = []
    for path in ("model.safetensors", f"checkpoints/step-{_newest_step(whole):08d}/tensors.safetensors"):
        ours, theirs = (safetensors.torch.load_file(folder / path) for folder in (whole, resumed))
        names = ours.keys() | theirs.keys()
        differing += [name for name in sorted(names) if not _same_bits(ours.get(name), theirs.get(name))]
    return differing


def _same_bits(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None or one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool(
        torch.equal(one.contiguous().flatten().view(torch.uint8), other.contiguous().flatten().view(torch.uint8))
    )
