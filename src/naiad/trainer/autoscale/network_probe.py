"""Trial steps on throw-away copies of a network. What is measured here changes nothing of the run that it is for."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from naiad.trainer.data.batches import WHOLE_BATCH, Batch, BatchLoader, BatchSlice
from naiad.trainer.data.dataset import Split
from naiad.trainer.data.loading import with_decoding_workers
from naiad.trainer.loop.step import NonFiniteLoss, Stepper
from naiad.trainer.machine.compilation import compile_net
from naiad.trainer.machine.device_transfer import to_device
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.nets.copies import copy_network, disposable_copy
from naiad.trainer.optim.batchnorm import minimum_momentum
from naiad.trainer.optim.losses import LossFunction
from naiad.trainer.optim.optimizers import make_optimizer
from naiad.trainer.optim.schedule import learning_rate_at
from naiad.trainer.plan.plan import Plan

STEPS, WARM_UP = 3, 1
"""Steps of one timing, and those before them that are not counted."""
SLOWEST = 2.0
"""A plan whose step takes this many times longer than the fastest is timed no further."""
_SINGLE_STEP_FACTOR = 4
"""A step that takes this many times the time that is allowed is not repeated."""
_FEW_SAMPLES = 3
"""Samples that show how much memory one needs: BatchNorm cannot do with one."""
_MEMORY_FACTOR = 3.0
"""Memory of a step in units of what is kept for the backward pass: gradients of activations, and the kernels' own memory."""


@dataclass(frozen=True)
class StepTiming:
    step_s: float
    """Median seconds of a step, the making of its batch included."""
    first_step_s: float
    """Seconds of the first step, which also makes the kernels that the run needs."""

    @property
    def warm_up_s(self) -> float:
        """Seconds that the run's own first step is spared."""
        return max(0.0, self.first_step_s - self.step_s)


@dataclass(frozen=True)
class ShortRun:
    """Result of some steps on a copy."""

    losses: tuple[float, ...]
    """Loss of each step's batch before its update; ends where a loss is not finite."""
    net: nn.Module
    """The trained copy."""


@dataclass(frozen=True)
class NetworkProbe:
    """``split`` has its targets as the network learns them; ``features`` are on the plan's device."""

    net: nn.Module
    features: nn.Module
    loss: LossFunction
    split: Split
    batch_slice: BatchSlice = WHOLE_BATCH
    """The slice of a batch that a timed step takes, as the run's step will; gradients and losses are of whole batches."""
    clock: Callable[[], float] = time.perf_counter

    def step_seconds(
        self, plan: Plan, *, steps: int = STEPS, warm_up: int = WARM_UP, within_s: float = float("inf")
    ) -> float:
        """Median seconds of a step, the making of its batch included. within_s: see ``time_steps``."""
        return self.time_steps(plan, steps=steps, warm_up=warm_up, within_s=within_s).step_s

    def time_steps(
        self, plan: Plan, *, steps: int = STEPS, warm_up: int = WARM_UP, within_s: float = float("inf")
    ) -> StepTiming:
        """Times steps on a copy.

        within_s: no further step begins after so many seconds. A second step does all the same, as the first is slower than
        the rest, unless the first took several times as long.
        """
        seconds: list[float] = []
        with disposable_copy(self.net) as net, self._steps(plan, net) as step:
            while len(seconds) < warm_up + steps:
                seconds.append(step())
                spent_s = sum(seconds)
                if spent_s >= _SINGLE_STEP_FACTOR * within_s or (len(seconds) > 1 and spent_s >= within_s):
                    break
        return StepTiming(statistics.median(seconds[min(warm_up, len(seconds) - 1) :]), seconds[0])

    def compare_steps(
        self, plans: Sequence[Plan], *, rounds: int, within_s: float, warm_up: int = 0
    ) -> list[list[float]]:
        """Seconds of a step of each plan in every round. The plans take turns, so that all meet the same background load.

        warm_up: steps at the beginning of a turn that are not timed. A plan after the first has fewer times where it was far
        slower than the fastest so far; all have fewer where ``within_s`` seconds are over. A round before the first warms up.
        """
        times: list[list[float]] = [[] for _ in plans]
        fastest_s, started = float("inf"), self.clock()
        with ExitStack() as stack:
            entered = [stack.enter_context(self._steps(plan, copy_network(self.net))) for plan in plans]
            running = dict(enumerate(entered))
            for step in running.values():
                step()
            for _ in range(rounds):
                for index, step in list(running.items()):
                    if self.clock() - started >= within_s:
                        return times
                    for _ in range(warm_up):
                        step()
                    step_s = step()
                    times[index].append(step_s)
                    fastest_s = min(fastest_s, step_s)
                    if index > 0 and step_s > SLOWEST * fastest_s:
                        del running[index]
        return times

    def short_run(self, plan: Plan, steps: int) -> ShortRun:
        """Trains a copy with the plan's whole schedule in so many steps."""
        short = replace(plan, total_steps=steps)
        return self.run_with_rates(plan, [learning_rate_at(step, short) for step in range(steps)])

    def run_with_rates(self, plan: Plan, rates: Sequence[float]) -> ShortRun:
        """Trains a copy with these learning rates, one a step."""
        losses: list[float] = []
        with _untouched(plan), ExitStack() as stack:
            stepper = self._stepper(plan, copy_network(self.net))
            stack.enter_context(minimum_momentum(stepper.net, plan.batchnorm_momentum))
            for rate, batch in zip(rates, self._batches(plan), strict=False):
                try:
                    losses.append(stepper.step(batch, rate))
                except NonFiniteLoss:
                    break
        return ShortRun(tuple(losses), stepper.net)

    def gradient(self, plan: Plan) -> tuple[float, Tensor]:
        """The loss of the plan's first batch, and its gradient as one fp32 vector (P,)."""
        with _untouched(plan), disposable_copy(self.net) as net:
            stepper = self._stepper(plan, net)
            torch.manual_seed(plan.seed)
            loss = stepper.compute_gradients_within_memory(next(self._batches(plan)))
            return loss, _gradient_vector(net)

    def gradients(self, plan: Plan, count: int, *, net: nn.Module) -> list[Tensor]:
        """The gradients of ``count`` batches at the weights of ``net``, each as one fp32 vector (P,)."""
        with _untouched(plan):
            stepper, vectors = self._stepper(plan, copy_network(net)), []
            for batch in itertools.islice(self._batches(plan), count):
                stepper.compute_gradients_within_memory(batch)
                vectors.append(_gradient_vector(stepper.net))
        return vectors

    def inputs(self, plan: Plan, count: int) -> Iterator[Tensor]:
        """The inputs of ``count`` batches, as the network sees them."""
        for batch in itertools.islice(self._batches(plan), count):
            inputs: Tensor = self.features(batch.raw.to(plan.device))
            yield inputs

    def bytes_per_sample(self, plan: Plan) -> float:
        """Memory of a step for each sample, from the tensors that a few samples keep for the backward pass."""
        few = min(_FEW_SAMPLES, len(self.split))
        kept_bytes: dict[int, int] = {}

        with _untouched(plan), disposable_copy(self.net) as net:
            small = replace(plan, batch_size=few, microbatch_size=few)
            stepper = self._stepper(small, net)
            weights = {parameter.untyped_storage().data_ptr() for parameter in net.parameters()}

            def count(tensor: Tensor) -> Tensor:
                storage = tensor.untyped_storage()
                if storage.data_ptr() not in weights:
                    kept_bytes[storage.data_ptr()] = storage.nbytes()
                return tensor

            batch = next(self._batches(small))
            with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
                stepper.compute_loss(batch.raw, batch.targets)
        return max(1.0, sum(kept_bytes.values()) / len(batch)) * _MEMORY_FACTOR

    @contextmanager
    def _steps(self, plan: Plan, net: nn.Module) -> Iterator[Callable[[], float]]:
        """Gives a function that takes one step and returns its seconds."""
        with _untouched(plan):
            stepper, batches = self._stepper(plan, net), self._batches(plan, self.batch_slice)

            def step() -> float:
                torch.set_num_threads(plan.threads)
                started = self.clock()
                stepper.step(next(batches), 0.0)
                return self.clock() - started

            yield step

    def _stepper(self, plan: Plan, net: nn.Module) -> Stepper:
        to_device(net, plan.device, memory_format=plan.memory_format).train()
        optimizer = make_optimizer(net, plan)
        return Stepper(
            compile_net(net, enabled=plan.compile == "on"),
            self.features,
            self.loss,
            optimizer,
            plan,
            plan.microbatch_size,
        )

    def _batches(self, plan: Plan, batch_slice: BatchSlice = WHOLE_BATCH) -> Iterator[Batch]:
        split = with_decoding_workers(self.split, plan.feed_workers)
        loader = BatchLoader(split, plan.batch_size, plan.seed, plan.augment, batch_slice)
        return itertools.chain.from_iterable(loader.epoch(epoch) for epoch in itertools.count())


def _gradient_vector(net: nn.Module) -> Tensor:
    """All gradients of ``net``; zeros where a batch has not reached a weight."""
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten().float() for p in weights]).cpu()


@contextmanager
def _untouched(plan: Plan) -> Iterator[None]:
    """Sets the plan's threads inside the block; restores random numbers and threads after it."""
    random, threads = RandomState.capture(), torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        random.restore()
