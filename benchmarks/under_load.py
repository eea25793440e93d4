"""Measures training beside busy processes: the rate ÷ its fair share of the rate without them, for Naiad and the plain loop.

    python benchmarks/under_load.py [--rounds 5] [--seconds 5]

Each side is a process of its own that reads Fashion-MNIST, makes its choices under the load that is there, and trains SimpleNet.
The fair share of T threads beside B busy ones is T ÷ (T + B) of the machine, so that much of the unloaded rate is expected. All
sides and loads take turns. Runnable threads of other programs are counted and told: they spoil the figures. On a shared machine
begin it with ``setsid``, so that it is scheduled on its own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from log import log_row

from naiad.trainer.data.dataset import Dataset
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.plan.plan import Plan

GUIDE = Path(__file__).parent.parent / "examples" / "guide"
LOADS = (0, 1, 2, 4)
BUSY = "while True: pass"
BATCH = 128
WARM_UP_S = 1.0
"""Seconds of training that are not counted: kernels are made, and it shows whether the cores are free."""


class _Enough(Exception):
    """Enough steps were timed."""


class StepCounter(SilentProgress):
    """A progress that counts samples for some seconds after the warm-up, and then ends the run."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.samples, self.threads = seconds, 0, 0
        self.begun_at = self.counted_from = None

    def start(self, plan: Plan, dataset: Dataset, *, step: int) -> None:
        super().start(plan, dataset, step=step)
        self.threads = plan.threads

    def update(self, step: int, loss: float, rate: float, samples: int) -> None:
        super().update(step, loss, rate, samples)
        now = time.perf_counter()
        if self.begun_at is None:
            self.begun_at = now
        if self.counted_from is not None:
            self.samples += samples
            if now - self.counted_from >= self.seconds:
                raise _Enough
        elif now - self.begun_at >= WARM_UP_S:
            self.counted_from = now
            print("counting", flush=True)

    def note(self, text: str) -> None:
        print(text, file=sys.stderr)

    @property
    def samples_per_s(self) -> float:
        return self.samples / (time.perf_counter() - self.counted_from)


def train_naiad(seconds: float) -> tuple[float, int]:
    """Returns samples a second, and the number of threads that was chosen."""
    import naiad  # noqa: PLC0415
    from naiad.errors import TrainingError  # noqa: PLC0415

    counter = StepCounter(seconds)
    plan = {"batch_size": BATCH, "optimizer": "sgd", "learning_rate": 0.01, "epochs": 2}
    with suppress(_Enough, TrainingError):
        naiad.fit("simplenet", "fashion-mnist", plan=plan, report=False, progress=counter)
    return counter.samples_per_s, counter.threads


def train_plain(seconds: float) -> tuple[float, int]:
    """The guide's loop as it is, in samples a second, and torch's number of threads."""
    sys.path.insert(0, str(GUIDE))
    import torch  # noqa: PLC0415
    from main import loaders  # noqa: PLC0415
    from net import SimpleNet  # noqa: PLC0415

    net, (loader, _) = SimpleNet(), loaders(limit=None)
    optimizer, counter = torch.optim.SGD(net.parameters(), lr=0.01), StepCounter(seconds)
    try:
        while True:
            for images, labels in loader:
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(net(images), labels)
                loss.backward()
                optimizer.step()
                counter.update(0, loss.item(), 0.01, len(images))
    except _Enough:
        return counter.samples_per_s, torch.get_num_threads()


@dataclass(frozen=True)
class Measured:
    rate: float
    threads: int
    others: float
    """Runnable threads of other programs, on average."""

    def share(self, busy: int) -> float:
        """Fraction of the machine."""
        return self.threads / (self.threads + busy)


def measure(side: str, busy: int, seconds: float) -> Measured:
    command = [sys.executable, "-W", "ignore", __file__, "--side", side, "--seconds", str(seconds)]
    with (
        busy_processes(busy) as pids,
        tempfile.TemporaryDirectory() as cache,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "XDG_CACHE_HOME": cache}
        ) as child,
    ):
        assert child.stdout is not None
        assert child.stdout.readline() == "counting\n", f"{side} has failed"
        ours, others = {*pids, child.pid, os.getpid()}, []
        while child.poll() is None:
            others.append(runnable_threads(except_of=ours))
            time.sleep(0.4)
        rate, threads = json.loads(child.stdout.readline())
    return Measured(rate, threads, statistics.fmean(others))


@contextmanager
def busy_processes(count: int) -> Iterator[list[int]]:
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def runnable_threads(*, except_of: set[int]) -> int:
    """Counts the threads in state R of all processes but these."""
    count = 0
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) in except_of:
            continue
        try:
            if (process / "cmdline").read_bytes():  # no thread of the kernel
                states = [
                    (task / "stat").read_text().rpartition(")")[2].split()[0] for task in (process / "task").iterdir()
                ]
                count += states.count("R")
        except OSError:
            continue
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side is not None:
        print(json.dumps(SIDES[options.side](options.seconds)))
        return
    results: dict[tuple[str, int], list[Measured]] = {(side, busy): [] for side in SIDES for busy in LOADS}
    for _ in range(options.rounds):
        for busy in LOADS:
            for side in SIDES:
                measured = measure(side, busy, options.seconds)
                results[side, busy].append(measured)
                print(f"{side} beside {busy}: {measured}", flush=True)
    for busy in LOADS[1:]:
        for side in SIDES:
            print_row(side, busy, results)


def print_row(side: str, busy: int, results: dict[tuple[str, int], list[Measured]]) -> None:
    loaded, unloaded = results[side, busy], results[side, 0]
    ratios = [one.rate / (one.share(busy) * free.rate) for one, free in zip(loaded, unloaded, strict=True)]
    rates = ", ".join(
        f"{statistics.median(one.rate for one in many):,.0f} samples/s {word}"
        for many, word in ((unloaded, "unloaded"), (loaded, "beside them"))
    )
    threads = ", ".join(str(one.threads) for one in loaded)
    others = statistics.fmean(one.others for one in (*loaded, *unloaded))
    print(
        log_row(
            f"{side}: rate beside {busy} busy processes ÷ fair share of the unloaded rate",
            ratios,
            unit="×",
            goal="≥ 0.8" if side == "naiad" else "",
            script="under_load.py",
            note=f"{rates}; threads {threads}; {others:.1f} threads of others",
        )
    )


SIDES = {"naiad": train_naiad, "plain": train_plain}

if __name__ == "__main__":
    main()
