"""Proves exact resume on the user's own network: killed runs must end bit for bit as the uninterrupted one.

All runs follow the plan of the uninterrupted one, because what each would measure for itself may differ. Every run is a process
of its own. It is killed with SIGKILL at a random time between its first checkpoint and a little after its last step (while the
artifact is being written), and then resumed.
"""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch

from naiad.errors import TrainingError

_POLL_S = 0.005
_LATEST_KILL = 1.15
"""Kills fall between the first checkpoint and this fraction of the time from there to the last checkpoint."""

_LONGEST_REASON = 500
"""Letters of a failed run's errors that are shown, the last ones."""


@dataclass(frozen=True)
class ResumeProof:
    kills: int
    equal: bool
    steps: tuple[int, ...]
    """The newest checkpoint's step at each kill; -1 when there was none yet."""
    differing: tuple[str, ...]
    """``run 3: net.fc1.weight`` for each tensor that differs."""


def verify_resume(
    command: Sequence[str],
    *,
    kills: int = 5,
    epochs: int = 2,
    seed: int = 0,
    report: Callable[[str], None] = lambda _: None,
) -> ResumeProof:
    """Kills and resumes runs of ``command``, and compares each with an uninterrupted run.

    command: ``naiad train NET DATA`` as words, with options that leave the plan alone.
    report: receives a line of progress after each run.
    Raises TrainingError when a run that is not killed fails.
    """
    kill_times = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="naiad-resume-") as scratch:
        program = [*command, "--no-report"]
        whole = Path(scratch) / "whole"
        choices = ["--epochs", str(epochs), "--seed", str(seed), "--set", "checkpoint_steps=20"]
        loop_s = _time_run([*program, *choices, "--out", str(whole)], whole)
        report(f"the uninterrupted run trained for {loop_s:.1f} s")
        steps, differing = [], []
        for number in range(1, kills + 1):
            folder = Path(scratch) / f"killed-{number}"
            following = [*program, "--plan", str(whole), "--out", str(folder)]
            step = _run_and_kill(following, folder, after_s=kill_times.uniform(0, _LATEST_KILL) * loop_s)
            steps.append(step)
            _run_to_end([*following, "--resume"])
            names = _differing_tensors(whole, folder)
            differing += [f"run {number}: {name}" for name in names]
            report(f"kill {number} of {kills} after step {step}: {'equal' if not names else 'NOT equal'}")
    return ResumeProof(kills, not differing, tuple(steps), tuple(differing))


def _time_run(command: list[str], folder: Path) -> float:
    """Runs the command to its end; returns the seconds from its first checkpoint to its last."""
    checkpoints: list[tuple[int, float]] = []
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)  # noqa: S603  # reason: our own program, no shell
        while process.poll() is None:
            step = _newest_step(folder)
            if step >= 0 and (not checkpoints or step != checkpoints[-1][0]):
                checkpoints.append((step, time.monotonic()))
            time.sleep(_POLL_S)
        errors.seek(0)
        _check_status(process.returncode, errors.read())
    return checkpoints[-1][1] - checkpoints[0][1] if checkpoints else 0.0


def _run_to_end(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # reason: as above
    _check_status(done.returncode, done.stderr)


def _check_status(status: int, errors: str) -> None:
    if status != 0:
        reason, _, hint = errors.strip()[-_LONGEST_REASON:].partition("\n\nhint: ")
        raise TrainingError(f"the run failed with exit status {status}: {reason}", hint=hint or None)


def _run_and_kill(command: list[str], folder: Path, *, after_s: float) -> int:
    """Starts the run, waits for its first checkpoint and then ``after_s`` seconds, and kills it. Returns the newest step."""
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


def _differing_tensors(whole: Path, resumed: Path) -> list[str]:
    """Returns the names of the weights and of the last checkpoint's tensors that are not equal bit for bit."""
    differing = []
    for path in ("model.safetensors", f"checkpoints/step-{_newest_step(whole):08d}/tensors.safetensors"):
        ours, theirs = (safetensors.torch.load_file(folder / path) for folder in (whole, resumed))
        names = ours.keys() | theirs.keys()
        differing += [name for name in sorted(names) if not _has_same_bits(ours.get(name), theirs.get(name))]
    return differing


def _has_same_bits(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None or one.dtype != other.dtype or one.shape != other.shape:
        return False
    return bool(
        torch.equal(one.contiguous().flatten().view(torch.uint8), other.contiguous().flatten().view(torch.uint8))
    )
