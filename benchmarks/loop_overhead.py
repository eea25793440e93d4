"""What Naiad's loop costs over the bare steps: an epoch of SimpleNet, batch 128, against a loop written by hand.

    python benchmarks/loop_overhead.py [--rounds 9] [--samples 55000] [--parts]

One process, the sides in turn, each round in another order; ratios are of one round. All sides do what one plan says: features,
forward, loss, backward, clip, update, the learning rate of every step. By hand the batches are in memory beforehand, raw as the
loop makes them:

    bare        nothing is read: not the loss, not the norm
    bare-item   the loss of every step is read (``.item()``), as a loop that shows or guards it must
    loop        Loop.train with checkpoints in memory, silent progress and a validation that does nothing

``--parts`` times what the loop adds, a piece at a time, and where in a step the hand-written loop spends its own time.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from log import row
from torch import Tensor

from naiad.trainer import nets
from naiad.trainer.autoscale.rules import make_plan
from naiad.trainer.data.batches import Batch, BatchLoader, epoch_order
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.data.prepare import prepare
from naiad.trainer.loop.checkpoint import MemoryCheckpoints
from naiad.trainer.loop.events import NullEventWriter
from naiad.trainer.loop.loop import Loop, ValidationResult
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.state import RunState
from naiad.trainer.loop.step import Stepper
from naiad.trainer.loop.stopping import StopFlag
from naiad.trainer.optim.losses import make_loss
from naiad.trainer.optim.optimizers import make_optimizer, set_learning_rate
from naiad.trainer.optim.schedule import learning_rate_at
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule

BATCH = 128
GOAL = 1.03


@dataclass(frozen=True)
class Spent:
    wall_s: float
    cpu_s: float
    """Of all threads; on a busy machine, with one thread, the steadier of the two."""

    @classmethod
    def now(cls) -> "Spent":
        return cls(time.perf_counter(), time.process_time())

    def until_now(self) -> "Spent":
        now = Spent.now()
        return Spent(now.wall_s - self.wall_s, now.cpu_s - self.cpu_s)


class Sides:
    """One network's beginning and one plan for all."""

    def __init__(self, samples: int) -> None:
        dataset = prepare("fashion-mnist")
        chosen = torch.arange(min(samples, len(dataset.train)))
        tensor = dataset.train.samples.take(chosen)
        self.split = Split(TensorSamples(tensor), dataset.train.targets[chosen], dataset.train.names)
        self.dataset = replace(dataset, train=self.split)
        wishes = {"epochs": 1, "batch_size": BATCH, "optimizer": "sgd"}
        self.plan = make_plan(self.net(), self.dataset, wishes, seed=0)
        torch.set_num_threads(self.plan.threads)
        self.loss = make_loss(dataset.task)
        self.feed = BatchLoader(self.split, BATCH, 0)
        self.batches = list(self.feed.epoch(0))
        self.layout = torch.channels_last if self.plan.memory_format == "channels_last" else torch.contiguous_format

    def net(self) -> torch.nn.Module:
        torch.manual_seed(0)
        return nets.create_network("simplenet", input_shape=(1, 28, 28), outputs=10)

    def placed(self) -> torch.nn.Module:
        return self.net().to(memory_format=self.layout).train()

    def bare(self, *, read: bool = False) -> "Spent":
        net = self.placed()
        optimizer = make_optimizer(net, self.plan)
        parameters, bf16 = list(net.parameters()), self.plan.precision == "bf16"
        features, layout = self.dataset.features, self.layout
        begun = Spent.now()
        for step, batch in enumerate(self.batches):
            rate = learning_rate_at(step, self.plan)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            inputs = features(batch.raw).contiguous(memory_format=layout)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = F.cross_entropy(net(inputs), batch.targets)
            if read:
                loss.item()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, self.plan.clip_norm)
            optimizer.step()
        return begun.until_now()

    def bare_item(self) -> "Spent":
        return self.bare(read=True)

    def loop(self) -> "Spent":
        loop = self.made_loop()
        begun = Spent.now()
        loop.train()
        return begun.until_now()

    def made_loop(self) -> Loop:
        net = self.placed()
        state = RunState(
            net,
            make_optimizer(net, self.plan),
            None,
            self.plan.microbatch_size,
            AdjustedSchedule(self.plan.total_steps),
        )
        stepper = Stepper(net, self.dataset.features, self.loss, state.optimizer, self.plan, BATCH)
        nothing = ValidationResult({}, 0.0)
        parts = {
            "checkpoints": MemoryCheckpoints(), "events": NullEventWriter(), "progress": SilentProgress(), "stop": StopFlag(),
        }  # fmt: skip
        return Loop(state, stepper, self.feed, self.plan, lambda _: nothing, deadline=None, **parts)


# ---- parts


class Parts:
    """Milliseconds a step of single pieces, each timed alone on the same batches."""

    def __init__(self, sides: Sides, repeats: int) -> None:
        self.sides, self.repeats = sides, repeats
        self.loop = sides.made_loop()
        self.loop.train()
        self.steps = len(sides.batches)

    def table(self) -> None:
        added: dict[str, Callable[[], object]] = {
            "the epoch's order": lambda: epoch_order(0, 0, len(self.sides.split)),
            "batches gathered (index_select)": self._gather,
            "checkpoints in memory (begin, every 500 steps, end)": self._checkpoints,
            "learning rate of the schedule, set": self._rates,
            "reading two numbers (.item(), isfinite)": self._items,
            "bookkeeping of _train_step and _train_epoch": self._bookkeeping,
            "microbatches, device, try": self._microbatches,
        }
        total = 0.0
        print("what the loop adds, milliseconds a step:")
        for name, piece in added.items():
            total += self._said(name, piece)
        print(f"  {'sum':<58} {total:8.4f}")
        print("the hand-written step, milliseconds a step:")
        for name, piece in self._own().items():
            self._said(name, piece)

    def _said(self, name: str, piece: Callable[[], object]) -> float:
        piece()
        taken = []
        for _ in range(self.repeats):
            begun = time.perf_counter()
            piece()
            taken.append(time.perf_counter() - begun)
        each_ms = 1e3 * statistics.median(taken) / self.steps
        print(f"  {name:<58} {each_ms:8.4f}", flush=True)
        return each_ms

    def _gather(self) -> None:
        order = torch.cat([batch.indices for batch in self.sides.batches])
        for position in range(self.steps):
            self.sides.feed._batch(order, 0, position)

    def _checkpoints(self) -> None:
        for _ in range(2 + self.steps // self.sides.plan.checkpoint_steps):
            self.loop.checkpoints.save(self.loop.state.snapshot())

    def _rates(self) -> None:
        for step in range(self.steps):
            set_learning_rate(self.loop.state.optimizer, learning_rate_at(step, self.sides.plan))

    def _items(self) -> None:
        number = torch.tensor(1.0)
        for _ in range(self.steps):
            math.isfinite(number.item())
            math.isfinite(number.item())

    def _bookkeeping(self) -> None:
        loop, state = self.loop, self.loop.state
        before = state.step
        for batch in self.sides.batches:
            state.loss_sum += 1.0 * len(batch)
            state.loss_samples += len(batch)
            loop._tell_microbatch()
            loop.progress.stepped(state.step, 1.0, 0.1, len(batch))
            loop.events.step(state.step, 1.0, 0.1)
            _ = loop._finished() or state.step % loop.feed.steps_per_epoch == 0
            _ = state.step % loop.plan.checkpoint_steps == 0
            loop._stop_if_asked()
        state.step = before

    def _microbatches(self) -> None:
        for batch in self.sides.batches:
            _microbatch(self.loop.stepper, batch)

    def _own(self) -> dict[str, Callable[[], object]]:
        sides = self.sides
        net = sides.placed()
        optimizer = make_optimizer(net, sides.plan)
        parameters, bf16 = list(net.parameters()), sides.plan.precision == "bf16"
        inputs = sides.dataset.features(sides.batches[0].raw).contiguous(memory_format=sides.layout)
        targets = sides.batches[0].targets

        def forward() -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                return F.cross_entropy(net(inputs), targets)

        forward().backward()

        def repeated(piece: Callable[[], object]) -> Callable[[], object]:
            return lambda: [piece() for _ in range(self.steps)]

        def there_and_back() -> None:
            optimizer.zero_grad(set_to_none=True)
            forward().backward()

        return {
            "features": lambda: [sides.dataset.features(batch.raw) for batch in sides.batches],
            "forward, with what backward needs": repeated(forward),
            "forward and backward": repeated(there_and_back),
            "clip": repeated(lambda: torch.nn.utils.clip_grad_norm_(parameters, sides.plan.clip_norm)),
            "clip, one call a tensor (foreach=False)": repeated(
                lambda: torch.nn.utils.clip_grad_norm_(parameters, sides.plan.clip_norm, foreach=False)
            ),
            "update": repeated(optimizer.step),
        }


def _microbatch(stepper: Stepper, batch: Batch) -> None:
    """What Stepper does around the forward pass."""
    device = torch.device(stepper.plan.device)
    for raw, targets in stepper._microbatches(batch):
        raw.to(device, non_blocking=True)
        targets.to(device, non_blocking=True)


def say(claim: str, above: list[Spent], below: list[Spent], sides: Sides, *, goal: str = "") -> None:
    ratios = [over.wall_s / under.wall_s for over, under in zip(above, below, strict=True)]
    wall, cpu = (
        statistics.median(getattr(over, kind) for over in above)
        / statistics.median(getattr(under, kind) for under in below)
        for kind in ("wall_s", "cpu_s")
    )
    seconds = " and ".join(f"{statistics.median(one.wall_s for one in side):.3f}" for side in (above, below))
    note = (
        f"medians {seconds} s, ratio of the medians {wall:.3f}, of processor seconds {cpu:.3f}; "
        f"{sides.plan.precision}, {sides.plan.memory_format}, {sides.plan.threads} threads"
    )
    print(row(claim, ratios, unit="×", goal=goal, script="loop_overhead.py", note=note))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--samples", type=int, default=55_000)
    parser.add_argument("--parts", action="store_true")
    given = parser.parse_args()
    sides = Sides(given.samples)
    run = {"bare": sides.bare, "bare-item": sides.bare_item, "loop": sides.loop}
    for side in run.values():
        side()
    spent: dict[str, list[Spent]] = {name: [] for name in run}
    for number in range(given.rounds):
        order = list(run)[number % 3 :] + list(run)[: number % 3]
        for name in order if number % 2 == 0 else reversed(order):
            spent[name].append(run[name]())
        print({name: round(values[-1].wall_s, 3) for name, values in spent.items()}, flush=True)
    say("epoch of the loop ÷ bare steps, no loss read", spent["loop"], spent["bare"], sides, goal=f"≤ {GOAL}")
    say("epoch of the loop ÷ bare steps, every loss read", spent["loop"], spent["bare-item"], sides, goal=f"≤ {GOAL}")
    say("bare steps: every loss read ÷ none", spent["bare-item"], spent["bare"], sides)
    if given.parts:
        Parts(sides, given.rounds).table()


if __name__ == "__main__":
    main()
