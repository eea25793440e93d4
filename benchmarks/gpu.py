"""Checks Naiad on a machine with a GPU, in under ten minutes: tests of the trainer, demo, SimpleNet's epoch, ResNet-18 at 224.

    python benchmarks/gpu.py [--only tests demo simplenet resnet choices] [--small]

Each part is a process of its own with a time limit, so that one that fails or hangs leaves the others their time. The rates are
of training with Naiad, which chooses everything, and of a plain loop (fp32, Adam, batches of the same size, no option of torch),
both on the same samples in memory and in turns. ``choices`` times the step of ResNet-18 by hand with bf16, channels_last,
torch.compile and CUDA graphs, each added to the ones before. Without a GPU, ``--small`` shows that the script works.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from log import log_row
from torch import Tensor, nn

from naiad.trainer.loop.progress import SilentProgress

ROOT = Path(__file__).parent.parent
PARTS = {"tests": 240.0, "demo": 60.0, "simplenet": 90.0, "resnet": 120.0, "choices": 80.0}
"""Seconds that each part may take; all together are under ten minutes."""
TESTS = ("machine", "loop", "optim", "autoscale", "test_run.py", "test_fit.py", "test_fit_measured.py", "model")
ROUNDS, SMALL_ROUNDS = 5, 2
TIMED_STEPS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--small", action="store_true", help="few samples, small images: only shows that the script works"
    )
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part is not None:
        RATES[options.part](small=options.small)
        return
    print(f"device: {device()} ({device_name()}), torch {torch.__version__}", flush=True)
    for part in options.only:
        run_part(part, small=options.small)


def run_part(part: str, *, small: bool) -> None:
    """Runs a part, and says how it ended. Its own output goes to stdout."""
    command = {
        "tests": [sys.executable, "-m", "pytest", "-q", "-m", "not slow", *(f"tests/unit/trainer/{name}" for name in TESTS)],
        "demo": [sys.executable, "-m", "naiad.cli", "demo"],
    }.get(part, [sys.executable, "-W", "ignore", __file__, "--part", part])  # fmt: skip
    if small:
        command = {"tests": [*command[:-len(TESTS)], f"tests/unit/trainer/{TESTS[0]}"]}.get(part, command)  # fmt: skip
        command += ["--small"] if part in RATES else []
    started = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as cache:  # nothing is known from earlier runs
            environment = {**os.environ, **({"XDG_CACHE_HOME": cache} if part in RATES else {})}
            finished = subprocess.run(command, cwd=ROOT, env=environment, timeout=PARTS[part], check=False)
        status = str(finished.returncode)
    except subprocess.TimeoutExpired:
        status = "out of time"
    print(
        f"part {part}: {'ok' if status == '0' else f'failed ({status})'}, {time.perf_counter() - started:.0f} s",
        flush=True,
    )


# ---- rates


def compare_simplenet(*, small: bool) -> None:
    """An epoch on as many samples as Fashion-MNIST has; their values do not matter to its speed."""
    from naiad.trainer.nets.guide import SimpleNet  # noqa: PLC0415

    images, labels = samples(2_000 if small else 60_000, (1, 28, 28))
    compare_epochs(
        "SimpleNet at 28", SimpleNet, images, labels, batch_size=128, rounds=SMALL_ROUNDS if small else ROUNDS
    )


def compare_resnet(*, small: bool) -> None:
    from torchvision.models import resnet18  # noqa: PLC0415

    side, count = (32, 64) if small else (224, 4_096)
    images, labels = samples(count, (3, side, side))
    rounds = SMALL_ROUNDS if small else ROUNDS
    compare_epochs(
        f"ResNet-18 at {side}", lambda: resnet18(num_classes=10), images, labels, batch_size=64, rounds=rounds
    )


def compare_epochs(
    name: str, make_net: Callable[[], nn.Module], images: Tensor, labels: Tensor, *, batch_size: int, rounds: int
) -> None:
    """Prints the rate of the second epoch of training, for both sides in turns. The first also makes kernels."""
    naiad_rates, plain_rates = [], []
    for _ in range(rounds):
        naiad_rates.append(naiad_rate(make_net(), images, labels, batch_size))
        plain_rates.append(plain_rate(make_net(), images, labels, batch_size))
    ratios = [ours / plain for ours, plain in zip(naiad_rates, plain_rates, strict=True)]
    print_row(
        f"{name}: samples a second, Naiad ÷ plain loop",
        ratios,
        f"{statistics.median(naiad_rates):,.0f} and {statistics.median(plain_rates):,.0f} samples/s",
    )


def naiad_rate(net: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> float:
    """Samples a second of the last epoch, without its validation; prints what was chosen."""
    import naiad  # noqa: PLC0415

    validation = (images[:batch_size], labels[:batch_size])
    model = naiad.fit(
        net,
        (images, labels),
        validation=validation,
        plan={"batch_size": batch_size, "epochs": 2},
        report=False,
        as_="image",
        progress=Notes(),
    )
    plan, last = model.plan, model.history[-1]
    names = ("device", "optimizer", "muon_precision", "precision", "memory_format", "compile", "fused")
    print({name: getattr(plan, name) for name in names}, flush=True)
    return len(images) / last.seconds


def plain_rate(net: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> float:
    net = net.to(device()).train()
    optimizer = torch.optim.Adam(net.parameters())
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        for indices in torch.randperm(len(images)).split(batch_size):
            inputs, targets = images[indices].to(device()).float() / 255, labels[indices].to(device())
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(inputs), targets)
            loss.backward()
            optimizer.step()
        synchronize()
        seconds = time.perf_counter() - started
    return len(images) / seconds


class Notes(SilentProgress):
    """A progress that shows only notes, among them that a run is slower than planned."""

    def note(self, text: str) -> None:
        print(f"note: {text}", flush=True)


# ---- choices


def time_choices(*, small: bool) -> None:
    """Seconds of a step, in units of the plain one. CUDA graphs are those of torch.compile's mode ``reduce-overhead``."""
    variants = {
        "fp32": {},
        "bf16": {"bf16": True},
        "bf16, channels_last": {"bf16": True, "channels_last": True},
    }
    if not small:  # a compiler takes minutes on a processor
        variants["bf16, channels_last, compiled"] = {"bf16": True, "channels_last": True, "mode": "default"}
    if device() == "cuda":
        graphs = {"bf16": True, "channels_last": True, "mode": "reduce-overhead"}
        variants["bf16, channels_last, compiled with CUDA graphs"] = graphs
    steps = {name: make_step(small=small, **choices) for name, choices in variants.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        time_step(step)  # it compiles
    for _ in range(SMALL_ROUNDS if small else ROUNDS):
        for name, step in steps.items():
            times[name].append(time_step(step))
    for name, seconds in times.items():
        ratios = [one / plain for one, plain in zip(seconds, times["fp32"], strict=True)]
        print_row(f"step of ResNet-18 with {name} ÷ fp32", ratios, f"{statistics.median(seconds) * 1e3:.2f} ms")


def make_step(
    *, small: bool, bf16: bool = False, channels_last: bool = False, mode: str | None = None
) -> Callable[[], None]:
    from torchvision.models import resnet18  # noqa: PLC0415

    side, batch_size = (32, 8) if small else (224, 64)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = resnet18(num_classes=10).to(device(), memory_format=layout).train()
    forward = net if mode is None else torch.compile(net, mode=mode)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    inputs = torch.randn(batch_size, 3, side, side, device=device()).contiguous(memory_format=layout)
    targets = torch.randint(10, (batch_size,), device=device())

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(device(), torch.bfloat16, enabled=bf16):
            loss = nn.functional.cross_entropy(forward(inputs), targets)
        loss.backward()
        optimizer.step()

    return step


def time_step(step: Callable[[], None]) -> float:
    step()
    synchronize()
    started = time.perf_counter()
    for _ in range(TIMED_STEPS):
        step()
    synchronize()
    return (time.perf_counter() - started) / TIMED_STEPS


# ---- the machine


def samples(count: int, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Random images of ten classes, each with a brightness of its own."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 10
    images = torch.randint(0, 128, (count, *shape), generator=generator, dtype=torch.uint8)
    return images + (12 * labels).to(torch.uint8).view(-1, 1, 1, 1), labels


def device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def device_name() -> str:
    return torch.cuda.get_device_name() if device() == "cuda" else device()


def synchronize() -> None:
    if device() == "cuda":
        torch.cuda.synchronize()
    elif device() == "mps":
        torch.mps.synchronize()


def print_row(claim: str, ratios: list[float], note: str) -> None:
    print(log_row(claim, ratios, unit="×", script="gpu.py", note=f"{device_name()}; {note}"), flush=True)


RATES = {"simplenet": compare_simplenet, "resnet": compare_resnet, "choices": time_choices}

if __name__ == "__main__":
    main()
