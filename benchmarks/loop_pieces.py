"""The time of single pieces of a training step: those that Naiad's loop adds, and those of a hand-written step."""

import math
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from loop_sides import Sides
from torch import Tensor

from naiad.trainer.data.batches import Batch, epoch_order
from naiad.trainer.loop.step import Stepper
from naiad.trainer.optim.optimizers import make_optimizer, set_learning_rate
from naiad.trainer.optim.schedule import learning_rate_at


class PieceTimes:
    """Milliseconds a step of single pieces, each measured alone on the same batches."""

    def __init__(self, sides: Sides, repeats: int) -> None:
        self.sides, self.repeats = sides, repeats
        self.loop = sides.make_loop()
        self.loop.train()
        self.steps = len(sides.batches)

    def print_table(self) -> None:
        loop_pieces: dict[str, Callable[[], object]] = {
            "the epoch's order": lambda: epoch_order(0, 0, len(self.sides.split)),
            "batches gathered (index_select)": self._gather,
            "checkpoints in memory (begin, every 500 steps, end)": self._checkpoints,
            "learning rate of the schedule, set": self._set_rates,
            "reading two numbers (.item(), isfinite)": self._read_numbers,
            "bookkeeping of _train_step and _train_epoch": self._bookkeeping,
            "microbatches, device, try": self._microbatches,
        }
        total = 0.0
        print("what the loop adds, milliseconds a step:")
        for name, work in loop_pieces.items():
            total += self._print_time(name, work)
        print(f"  {'sum':<58} {total:8.4f}")
        print("the hand-written step, milliseconds a step:")
        for name, work in self._bare_step_pieces().items():
            self._print_time(name, work)

    def _print_time(self, name: str, work: Callable[[], object]) -> float:
        work()
        seconds = []
        for _ in range(self.repeats):
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
        step_ms = 1e3 * statistics.median(seconds) / self.steps
        print(f"  {name:<58} {step_ms:8.4f}", flush=True)
        return step_ms

    def _gather(self) -> None:
        order = torch.cat([batch.indices for batch in self.sides.batches])
        for position in range(self.steps):
            self.sides.loader._make_batch(order, 0, position)

    def _checkpoints(self) -> None:
        for _ in range(2 + self.steps // self.sides.plan.checkpoint_steps):
            self.loop.checkpoints.save(self.loop.state.snapshot())

    def _set_rates(self) -> None:
        for step in range(self.steps):
            set_learning_rate(self.loop.state.optimizer, learning_rate_at(step, self.sides.plan))

    def _read_numbers(self) -> None:
        number = torch.tensor(1.0)
        for _ in range(self.steps):
            math.isfinite(number.item())
            math.isfinite(number.item())

    def _bookkeeping(self) -> None:
        loop, state = self.loop, self.loop.state
        before = state.step
        for batch in self.sides.batches:
            state.epoch_loss_sum += 1.0 * len(batch)
            state.epoch_samples += len(batch)
            loop.stepper.microbatch_size = state.current_microbatch_size()
            loop.progress.update(state.step, 1.0, 0.1, len(batch))
            loop.events.write_step(state.step, 1.0, 0.1)
            _ = loop._is_finished() or state.step % loop.loader.steps_per_epoch == 0
            _ = state.step % loop.plan.checkpoint_steps == 0
            loop._stop_if_requested()
        state.step = before

    def _microbatches(self) -> None:
        for batch in self.sides.batches:
            _microbatch(self.loop.stepper, batch)

    def _bare_step_pieces(self) -> dict[str, Callable[[], object]]:
        sides = self.sides
        net = sides.net_in_layout()
        optimizer = make_optimizer(net, sides.plan)
        parameters, bf16 = list(net.parameters()), sides.plan.precision == "bf16"
        inputs = sides.dataset.features(sides.batches[0].raw).contiguous(memory_format=sides.layout)
        targets = sides.batches[0].targets

        def forward() -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                return F.cross_entropy(net(inputs), targets)

        forward().backward()

        def repeat(work: Callable[[], object]) -> Callable[[], object]:
            return lambda: [work() for _ in range(self.steps)]

        def forward_backward() -> None:
            optimizer.zero_grad(set_to_none=True)
            forward().backward()

        return {
            "features": lambda: [sides.dataset.features(batch.raw) for batch in sides.batches],
            "forward, with what backward needs": repeat(forward),
            "forward and backward": repeat(forward_backward),
            "clip": repeat(lambda: torch.nn.utils.clip_grad_norm_(parameters, sides.plan.clip_norm)),
            "clip, one call a tensor (foreach=False)": repeat(
                lambda: torch.nn.utils.clip_grad_norm_(parameters, sides.plan.clip_norm, foreach=False)
            ),
            "update": repeat(optimizer.step),
        }


def _microbatch(stepper: Stepper, batch: Batch) -> None:
    """Does what Stepper does around the forward pass."""
    device = torch.device(stepper.plan.device)
    for raw, targets in stepper._microbatches(batch):
        raw.to(device, non_blocking=True)
        targets.to(device, non_blocking=True)
