"""Steps on throw-away copies of a network: what is measured here changes nothing of the run that it is for."""

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from naiad.trainer.compiled import compiled
from naiad.trainer.data.batches import WHOLE, Batch, Feed, Share
from naiad.trainer.data.dataset import Split
from naiad.trainer.data.feeding import decoded_by
from naiad.trainer.losses import Loss
from naiad.trainer.optimizers import make_optimizer
from naiad.trainer.placing import placed
from naiad.trainer.plan import Plan
from naiad.trainer.schedule import learning_rate_at
from naiad.trainer.seeding import RandomState
from naiad.trainer.step import NonFiniteLoss, Stepper

STEPS, WARM_UP = 5, 2
"""Of one timing."""
_HEADROOM = 3.0
"""Gradients of activations and the kernels' own room, over what is kept for the way back."""


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
    loss: Loss
    split: Split
    share: Share = WHOLE
    """Of a batch, that the run's step will have; what is learnt from gradients and losses is of whole batches."""

    def step_seconds(self, plan: Plan, *, steps: int = STEPS, warm_up: int = WARM_UP) -> float:
        """Median seconds of a step, the making of its batch included."""
        with _untouched(plan):
            stepper, batches = self._stepper(plan), self._batches(plan, self.share)
            for batch in itertools.islice(batches, warm_up):
                stepper.step(batch, 0.0)
            seconds = []
            for _ in range(steps):
                begun = time.perf_counter()
                stepper.step(next(batches), 0.0)
                seconds.append(time.perf_counter() - begun)
        return statistics.median(seconds)

    def pilot(self, plan: Plan, rates: Sequence[float] | int) -> Pilot:
        """A copy trained with these rates, one a step, or with the plan's whole schedule in so many steps."""
        short = replace(plan, total_steps=rates) if isinstance(rates, int) else plan
        if isinstance(rates, int):
            rates = [learning_rate_at(step, short) for step in range(rates)]
        losses: list[float] = []
        with _untouched(plan):
            stepper = self._stepper(plan)
            for rate, batch in zip(rates, self._batches(plan), strict=False):
                try:
                    losses.append(stepper.step(batch, rate))
                except NonFiniteLoss:
                    break
        return Pilot(tuple(losses), stepper.net)

    def gradient(self, plan: Plan) -> tuple[float, Tensor]:
        """The loss of the plan's first batch, and its gradient as one fp32 vector (P,)."""
        with _untouched(plan):
            stepper = self._stepper(plan)
            torch.manual_seed(plan.seed)
            loss = stepper.gradients(next(self._batches(plan)))
        return loss, _vector(stepper.net)

    def gradients(self, plan: Plan, count: int, *, net: nn.Module) -> list[Tensor]:
        """Of so many batches at the weights of ``net``, each as one fp32 vector (P,)."""
        with _untouched(plan):
            stepper, found = self._stepper(plan, net), []
            for batch in itertools.islice(self._batches(plan), count):
                stepper.gradients(batch)
                found.append(_vector(stepper.net))
        return found

    def bytes_a_sample(self, plan: Plan) -> float:
        """What a step holds for each sample: the tensors that are kept for the way back, measured on a few samples."""
        few = min(8, plan.batch_size, len(self.split))
        held: dict[int, int] = {}
        weights: set[int] = set()

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                held[storage.data_ptr()] = storage.nbytes()
            return tensor

        with _untouched(plan):
            small = replace(plan, batch_size=few, microbatch_size=few)
            stepper = self._stepper(small)
            weights |= {parameter.untyped_storage().data_ptr() for parameter in stepper.net.parameters()}
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                stepper.gradients(next(self._batches(small)))
        return max(1.0, sum(held.values()) / few) * _HEADROOM

    def _stepper(self, plan: Plan, net: nn.Module | None = None) -> Stepper:
        copy = placed(deepcopy(self.net if net is None else net), plan)
        copy.train()
        optimizer = make_optimizer(copy, plan)
        return Stepper(compiled(copy, plan), self.features, self.loss, optimizer, plan, plan.microbatch_size)

    def _batches(self, plan: Plan, share: Share = WHOLE) -> Iterator[Batch]:
        feed = Feed(decoded_by(self.split, plan.feed_workers), plan.batch_size, plan.seed, plan.augment, share)
        return itertools.chain.from_iterable(feed.epoch(epoch) for epoch in itertools.count())


def _vector(net: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten().float() for p in net.parameters() if p.grad is not None]).cpu()


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
