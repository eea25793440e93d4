"""Steps on throw-away copies of a network: what is measured here changes nothing of the run that it is for."""

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
"""Of one timing."""
SLOWEST = 2.0
"""Times the fastest: a plan whose step takes longer is timed no further."""
_ALONE = 4
"""Times its budget: one step that takes so long is not repeated."""
_FEW = 3
"""Samples: BatchNorm cannot do with one."""
_HEADROOM = 3.0
"""Gradients of activations and the kernels' own room, over what is kept for the way back."""


@dataclass(frozen=True)
class Timing:
    """Seconds of a step."""

    step_s: float
    """Median, the making of its batch included."""
    first_s: float
    """Of the first, which makes the kernels that the run needs as well."""

    @property
    def not_lost_s(self) -> float:
        """What the run's own first step is spared."""
        return max(0.0, self.first_s - self.step_s)


@dataclass(frozen=True)
class Pilot:
    """A short run on a copy."""

    losses: tuple[float, ...]
    """Of each step's batch, before its update; ends where a loss is not finite."""
    net: nn.Module
    """The copy, trained."""

    def loss(self, last: int) -> float:
        """Mean over the last steps; infinite where the pilot did not come to its end."""
        ended = self.losses[-last:]
        return statistics.fmean(ended) if ended else float("inf")


@dataclass(frozen=True)
class Bench:
    """What is measured. ``split`` has its targets as the network learns them; ``features`` are on the plan's device."""

    net: nn.Module
    features: nn.Module
    loss: LossFunction
    split: Split
    share: BatchSlice = WHOLE_BATCH
    """Of a batch, that the run's step will have; what is learnt from gradients and losses is of whole batches."""
    clock: Callable[[], float] = time.perf_counter

    def step_seconds(
        self, plan: Plan, *, steps: int = STEPS, warm_up: int = WARM_UP, within_s: float = float("inf")
    ) -> float:
        """Median seconds of a step, the making of its batch included. within_s: see ``timing``."""
        return self.timing(plan, steps=steps, warm_up=warm_up, within_s=within_s).step_s

    def timing(
        self, plan: Plan, *, steps: int = STEPS, warm_up: int = WARM_UP, within_s: float = float("inf")
    ) -> "Timing":
        """As many steps on a copy.

        within_s: there are no more steps when they are over, but for a second one, as the first is slower than the rest: only
        a first step that takes several times as long is the only one.
        """
        seconds: list[float] = []
        with disposable_copy(self.net) as net, self._steps(plan, net) as step:
            while len(seconds) < warm_up + steps:
                seconds.append(step())
                spent_s = sum(seconds)
                if spent_s >= _ALONE * within_s or (len(seconds) > 1 and spent_s >= within_s):
                    break
        return Timing(statistics.median(seconds[min(warm_up, len(seconds) - 1) :]), seconds[0])

    def race(self, plans: Sequence[Plan], *, rounds: int, within_s: float) -> list[list[float]]:
        """Seconds of a step of each plan in every round, in which the plans take turns, so that all meet the same weather.

        A plan after the first has fewer where it was far slower than the fastest so far; all have fewer where ``within_s`` are
        over. A round before the first warms up.
        """
        found: list[list[float]] = [[] for _ in plans]
        best = float("inf")
        begun = self.clock()
        with ExitStack() as stack:
            entered = [stack.enter_context(self._steps(plan, copy_network(self.net))) for plan in plans]
            running = dict(enumerate(entered))
            for step in running.values():
                step()
            for _ in range(rounds):
                for index, step in list(running.items()):
                    if self.clock() - begun >= within_s:
                        return found
                    found[index].append(step())
                    best = min(best, found[index][-1])
                    if index > 0 and found[index][-1] > SLOWEST * best:
                        del running[index]
        return found

    def pilot(self, plan: Plan, rates: Sequence[float] | int) -> Pilot:
        """A copy trained with these rates, one a step, or with the plan's whole schedule in so many steps."""
        short = replace(plan, total_steps=rates) if isinstance(rates, int) else plan
        if isinstance(rates, int):
            rates = [learning_rate_at(step, short) for step in range(rates)]
        losses: list[float] = []
        with _untouched(plan), ExitStack() as stack:
            stepper = self._stepper(plan, copy_network(self.net))
            stack.enter_context(minimum_momentum(stepper.net, plan.batchnorm_momentum))
            for rate, batch in zip(rates, self._batches(plan), strict=False):
                try:
                    losses.append(stepper.step(batch, rate))
                except NonFiniteLoss:
                    break
        return Pilot(tuple(losses), stepper.net)

    def gradient(self, plan: Plan) -> tuple[float, Tensor]:
        """The loss of the plan's first batch, and its gradient as one fp32 vector (P,)."""
        with _untouched(plan), disposable_copy(self.net) as net:
            stepper = self._stepper(plan, net)
            torch.manual_seed(plan.seed)
            loss = stepper.compute_gradients_within_memory(next(self._batches(plan)))
            return loss, _vector(net)

    def gradients(self, plan: Plan, count: int, *, net: nn.Module) -> list[Tensor]:
        """Of so many batches at the weights of ``net``, each as one fp32 vector (P,)."""
        with _untouched(plan):
            stepper, found = self._stepper(plan, copy_network(net)), []
            for batch in itertools.islice(self._batches(plan), count):
                stepper.compute_gradients_within_memory(batch)
                found.append(_vector(stepper.net))
        return found

    def inputs(self, plan: Plan, count: int) -> Iterator[Tensor]:
        """Of so many batches, as the network sees them."""
        for batch in itertools.islice(self._batches(plan), count):
            found: Tensor = self.features(batch.raw.to(plan.device))
            yield found

    def bytes_a_sample(self, plan: Plan) -> float:
        """What a step holds for each sample: the tensors that are kept for the way back, measured on a few samples."""
        few = min(_FEW, len(self.split))
        held: dict[int, int] = {}

        with _untouched(plan), disposable_copy(self.net) as net:
            small = replace(plan, batch_size=few, microbatch_size=few)
            stepper = self._stepper(small, net)
            weights = {parameter.untyped_storage().data_ptr() for parameter in net.parameters()}

            def keep(tensor: Tensor) -> Tensor:
                storage = tensor.untyped_storage()
                if storage.data_ptr() not in weights:
                    held[storage.data_ptr()] = storage.nbytes()
                return tensor

            batch = next(self._batches(small))
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                stepper.forward(batch.raw, batch.targets)
        return max(1.0, sum(held.values()) / len(batch)) * _HEADROOM

    @contextmanager
    def _steps(self, plan: Plan, net: nn.Module) -> Iterator[Callable[[], float]]:
        """A function that takes one step, and gives its seconds."""
        with _untouched(plan):
            stepper, batches = self._stepper(plan, net), self._batches(plan, self.share)

            def step() -> float:
                torch.set_num_threads(plan.threads)
                begun = self.clock()
                stepper.step(next(batches), 0.0)
                return self.clock() - begun

            yield step

    def _stepper(self, plan: Plan, net: nn.Module) -> Stepper:
        """Trains ``net``."""
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

    def _batches(self, plan: Plan, share: BatchSlice = WHOLE_BATCH) -> Iterator[Batch]:
        feed = BatchLoader(
            with_decoding_workers(self.split, plan.feed_workers), plan.batch_size, plan.seed, plan.augment, share
        )
        return itertools.chain.from_iterable(feed.epoch(epoch) for epoch in itertools.count())


def _vector(net: nn.Module) -> Tensor:
    """Zeros where a batch has not reached a weight."""
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten().float() for p in weights]).cpu()


@contextmanager
def _untouched(plan: Plan) -> Iterator[None]:
    """The plan's threads inside; random numbers and threads are put back."""
    random, threads = RandomState.capture(), torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        random.restore()
