"""Proves exact resume on the user's own network: killed runs must end bit for bit as the uninterrupted one.

The uninterrupted run's plan is what all of them follow, for what each would measure for itself may differ. Every run is a
process of its own, killed with SIGKILL at a moment drawn between its first checkpoint and a little after its last
step (while the artifact is being written), then resumed.
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
_BEYOND = 1.15
"""Kills fall between the first checkpoint and this part of the time from there to the last one."""


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
    """``options``: of ``naiad train``, as they are, none of the plan's. Raises TrainingError when an uninterrupted run fails."""
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="naiad-resume-") as scratch:
        program = [sys.executable, "-m", "naiad.trainer", net, data, "--no-report", *options]
        whole = Path(scratch) / "whole"
        choices = ["--epochs", str(epochs), "--seed", str(seed), "--set", "checkpoint_steps=20"]
        loop_s = _uninterrupted([*program, *choices, "--out", str(whole)], whole)
        report(f"the uninterrupted run trained for {loop_s:.1f} s")
        steps, differing = [], []
        for number in range(1, kills + 1):
            folder = Path(scratch) / f"killed-{number}"
            command = [*program, "--plan", str(whole), "--out", str(folder)]
            step = _killed(command, folder, after_s=moments.uniform(0, _BEYOND) * loop_s)
            steps.append(step)
            _finish([*command, "--resume"])
            names = _differences(whole, folder)
            differing += [f"run {number}: {name}" for name in names]
            report(f"kill {number} of {kills} after step {step}: {'equal' if not names else 'NOT equal'}")
    return ResumeProof(kills, not differing, tuple(steps), tuple(differing))


def _uninterrupted(command: list[str], folder: Path) -> float:
    """Seconds from the first checkpoint to the last."""
    seen: list[tuple[int, float]] = []
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)  # noqa: S603  # reason: our own program, no shell
        while process.poll() is None:
            step = _newest_step(folder)
            if step >= 0 and (not seen or step != seen[-1][0]):
                seen.append((step, time.monotonic()))
            time.sleep(_POLL_S)
        errors.seek(0)
        _raise_failed(process.returncode, errors.read())
    return seen[-1][1] - seen[0][1] if seen else 0.0


def _finish(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # reason: as above
    _raise_failed(done.returncode, done.stderr)


def _raise_failed(status: int, errors: str) -> None:
    if status != 0:
        raise TrainingError(f"the run failed with exit status {status}: {errors.strip()[-500:]}")


def _killed(command: list[str], folder: Path, *, after_s: float) -> int:
    """Starts the run, waits for its first checkpoint and then ``after_s`` seconds, kills it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # reason: as above
    while process.poll() is None and _newest_step(folder) < 0:
        time.sleep(_POLL_S)
    until = time.monotonic() + after_s
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
