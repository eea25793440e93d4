"""Measures training with threads that spin and threads that sleep while they wait, beside another program of growing demands.

    python benchmarks/thread_waiting.py [--rounds 5] [--seconds 0.5]

One process trains each network by hand with all threads, a fraction of a second in each way in turns, while another process wants
a core for part of its time. Each way's fraction of time in which threads waited for a core is printed, too: the thresholds of
``machine/thread_waiting.py`` lie between fractions at which spinning pays and those at which sleeping does.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from log import log_row

from naiad.trainer import nets
from naiad.trainer.machine.core_time import CoreClock
from naiad.trainer.machine.device import has_bf16, usable_cores
from naiad.trainer.machine.openmp import find_sleeping_team

NETS = {"simplenet": ((1, 28, 28), 128), "mlp": ((64,), 128), "net": ((3, 32, 32), 64)}
DEMANDS = (0.0, 0.1, 0.3, 0.6, 1.0)
"""Fractions of its time in which the other process wants a core."""
OTHER = """
import sys, time
demand = float(sys.argv[1])
while True:
    end = time.perf_counter() + 0.03 * demand
    while time.perf_counter() < end:
        pass
    time.sleep(0.03 * (1 - demand))
"""


@dataclass(frozen=True)
class Window:
    rate: float
    """Steps a second."""
    waiting: float
    """Fraction of the time in which threads waited for a core."""


def make_step(name: str) -> Callable[[], None]:
    torch.manual_seed(0)
    shape, batch_size = NETS[name]
    net = nets.create_network(name, input_shape=shape, outputs=10)
    inputs, targets = torch.randn(batch_size, *shape), torch.randint(0, 10, (batch_size,))
    if len(shape) == 3:
        net, inputs = net.to(memory_format=torch.channels_last), inputs.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16("cpu") and len(shape) == 3):
            loss = F.cross_entropy(net(inputs), targets)
        loss.backward()
        optimizer.step()

    return step


def measure(step: Callable[[], None], seconds: float) -> Window:
    step()
    before, started, steps = CoreClock.read(), time.perf_counter(), 0
    while steps < 2 or time.perf_counter() - started < seconds:
        step()
        steps += 1
    return Window(steps / (time.perf_counter() - started), CoreClock.read().since(before).waiting_fraction)


@contextmanager
def other_program(demand: float) -> Iterator[None]:
    if demand == 0:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", OTHER, str(demand)])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    team = find_sleeping_team()
    if team is None:
        raise SystemExit("torch's threads cannot be told how to wait here")
    torch.set_num_threads(usable_cores())
    steps = {name: make_step(name) for name in NETS}
    results: dict[tuple[str, float], list[tuple[Window, Window]]] = {}
    for _ in range(options.rounds):
        for demand in DEMANDS:
            with other_program(demand):
                for name, step in steps.items():
                    spinning = measure(step, options.seconds)
                    team.start()
                    sleeping = measure(step, options.seconds)
                    team.end()
                    results.setdefault((name, demand), []).append((spinning, sleeping))
    for (name, demand), pairs in results.items():
        medians = [
            statistics.median(getattr(pair[side], field) for pair in pairs)
            for side in (0, 1)
            for field in ("rate", "waiting")
        ]
        print(
            log_row(
                f"{name} beside a process that wants {demand:.0%} of a core: rate of threads that sleep ÷ that spin",
                [sleeping.rate / spinning.rate for spinning, sleeping in pairs],
                unit="×",
                script="thread_waiting.py",
                note="spinning {:,.1f} steps/s, waiting {:.0%}; sleeping {:,.1f}, {:.0%}".format(*medians),
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
