"""Measures the time of an epoch: Naiad's loop, bare steps on the same batches in memory, and the guide's plain loop.

    python benchmarks/epoch_cost.py [--rounds 5] [--guide-fraction 0.2]

One process runs the three sides in turn, so that a machine that changes its speed changes all of them. A bare step follows the
plan (optimizer, precision, memory format) and does nothing else: no loss is read, no batch is made. The guide's loop
(examples/guide/train.py: torchvision's dataset, DataLoader, batch 32) runs on a fraction of the epoch and is scaled up.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from log import log_row

from naiad.trainer import nets
from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.data.batches import BatchLoader
from naiad.trainer.data.prepare import prepare
from naiad.trainer.loop.checkpoint import MemoryCheckpoints
from naiad.trainer.loop.events import NullEventWriter
from naiad.trainer.loop.loop import Loop, ValidationResult
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.state import RunState
from naiad.trainer.loop.step import Stepper
from naiad.trainer.loop.stopping import StopFlag
from naiad.trainer.optim.losses import make_loss
from naiad.trainer.optim.optimizers import make_optimizer
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule

GUIDE = Path(__file__).parent.parent / "examples" / "guide"


class Sides:
    """The three sides. Bare steps and loop have one network and one plan; the guide has its own."""

    def __init__(self, guide_fraction: float) -> None:
        self.dataset = prepare("fashion-mnist")
        self.plan = make_plan(self._make_net(), self.dataset, {"epochs": 1}, seed=0)
        torch.set_num_threads(self.plan.threads)
        self.guide_fraction = guide_fraction
        layout = torch.channels_last if self.plan.memory_format == "channels_last" else torch.contiguous_format
        with torch.no_grad():
            batches = BatchLoader(self.dataset.train, self.plan.batch_size, 0).epoch(0)
            self.batches_in_memory = [
                (self.dataset.features(batch.raw).contiguous(memory_format=layout), batch.targets) for batch in batches
            ]

    def _make_net(self) -> torch.nn.Module:
        torch.manual_seed(0)
        return nets.create_network("simplenet", input_shape=(1, 28, 28), outputs=10)

    def _net_in_layout(self) -> torch.nn.Module:
        layout = torch.channels_last if self.plan.memory_format == "channels_last" else torch.contiguous_format
        return self._make_net().to(memory_format=layout)

    def bare(self) -> float:
        net = self._net_in_layout().train()
        optimizer = make_optimizer(net, self.plan)
        started = time.perf_counter()
        for inputs, targets in self.batches_in_memory:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.precision == "bf16"):
                loss = F.cross_entropy(net(inputs), targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), self.plan.clip_norm)
            optimizer.step()
        return time.perf_counter() - started

    def loop(self) -> float:
        """Returns the seconds of the loop's epoch, without the validation that follows it."""
        net = self._net_in_layout()
        state = RunState(
            net,
            make_optimizer(net, self.plan),
            None,
            self.plan.microbatch_size,
            AdjustedSchedule(self.plan.total_steps),
        )
        stepper = Stepper(
            net, self.dataset.features, make_loss(self.dataset.task), state.optimizer, self.plan, self.plan.batch_size
        )
        loader = BatchLoader(self.dataset.train, self.plan.batch_size, 0)
        no_validation = ValidationResult({}, 0.0)
        services = {
            "checkpoints": MemoryCheckpoints(),
            "events": NullEventWriter(),
            "progress": SilentProgress(),
            "stop": StopFlag(),
        }
        loop = Loop(state, stepper, loader, self.plan, lambda _: no_validation, deadline=None, **services)
        started = time.perf_counter()
        loop.train()
        return time.perf_counter() - started

    def guide(self) -> float:
        sys.path.insert(0, str(GUIDE))
        from main import loaders  # noqa: PLC0415
        from net import SimpleNet  # noqa: PLC0415
        from train import train  # noqa: PLC0415

        limit = int(60_000 * self.guide_fraction)
        train_loader, _ = loaders(limit=limit)
        net = SimpleNet()
        started = time.perf_counter()
        train(net, train_loader, torch.optim.SGD(net.parameters(), lr=0.01), 1)
        return (time.perf_counter() - started) * len(self.dataset.train) / limit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--guide-fraction", type=float, default=0.2)
    options = parser.parse_args()
    sides = Sides(options.guide_fraction)
    sides.bare(), sides.loop()
    seconds: dict[str, list[float]] = {"bare": [], "loop": [], "guide": []}
    for number in range(options.rounds):
        order = ("bare", "loop") if number % 2 == 0 else ("loop", "bare")
        for side in (*order, "guide"):
            seconds[side].append(getattr(sides, side)())
        print({side: round(values[-1], 3) for side, values in seconds.items()}, flush=True)
    loop_ratios = [loop / bare for loop, bare in zip(seconds["loop"], seconds["bare"], strict=True)]
    guide = [guide_s / loop for guide_s, loop in zip(seconds["guide"], seconds["loop"], strict=True)]
    medians = ", ".join(f"{side} {statistics.median(values):.2f} s" for side, values in seconds.items())
    print(
        log_row(
            "epoch of the loop ÷ bare step on the same batches",
            loop_ratios,
            unit="×",
            goal="≤ 1.05",
            script="epoch_cost.py",
            note=medians,
        )
    )
    print(
        log_row(
            "guide's plain loop ÷ epoch of the loop", guide, unit="×", goal="≥ 3", script="epoch_cost.py", note=medians
        )
    )


if __name__ == "__main__":
    main()
