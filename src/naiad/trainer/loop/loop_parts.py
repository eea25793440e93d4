"""The parts of a loop over a prepared dataset, made as a plan says: batches, loss, state, step, validation."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from torch import Tensor, nn

from naiad.trainer.data.batches import BatchLoader, BatchSlice
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.loading import with_decoding_workers
from naiad.trainer.loop.state import RunState, make_ema
from naiad.trainer.loop.step import Stepper
from naiad.trainer.loop.task_strategy import TaskStrategy
from naiad.trainer.loop.validator import Validator
from naiad.trainer.machine.compilation import compile_net
from naiad.trainer.nets.network_output import training_logits
from naiad.trainer.optim.batchnorm import has_batchnorm_statistics
from naiad.trainer.optim.losses import LossFunction, class_weights, make_loss
from naiad.trainer.optim.optimizers import make_optimizer
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule

_BATCHNORM_BATCHES = 50
"""Batches from which the BatchNorm statistics of averaged weights are recomputed."""


@dataclass(frozen=True)
class LoopParts:
    dataset: Dataset
    net: nn.Module
    strategy: TaskStrategy
    batch_slice: BatchSlice
    compiled: nn.Module | None = None
    """The user's own compiled form of ``net``, through which the steps go; None where there is none."""

    def batch_loader(self, plan: Plan) -> BatchLoader:
        split = with_decoding_workers(self.strategy.training_split(), plan.feed_workers)
        return BatchLoader(split, plan.batch_size, plan.seed, plan.augment, self.batch_slice)

    def loss_function(self, plan: Plan) -> LossFunction:
        targets, weights = self.dataset.train.targets, None
        if plan.class_balance > 0 and targets is not None:
            weights = class_weights(targets, len(self.dataset.classes), plan.class_balance)
        return make_loss(
            self.dataset.task,
            label_smoothing=plan.label_smoothing,
            class_weights_K=weights,
            to_logits=training_logits(plan.network_output),
        )

    def state(self, plan: Plan, started: float) -> RunState:
        """The state before the first step. ``started``: the time on ``time.perf_counter`` at which the run did."""
        return RunState(
            self.net,
            make_optimizer(self.net, plan),
            make_ema(self.net) if plan.ema is not None else None,
            plan.microbatch_size,
            AdjustedSchedule(plan.total_steps, list(plan.schedule_adjustments)),
            started,
            microbatch_history=list(plan.microbatch_history),
        )

    def stepper(self, plan: Plan, state: RunState) -> Stepper:
        net, loss = self.compiled, self.loss_function(plan)
        if net is None:
            net = compile_net(self.net, enabled=plan.compile == "on")
        return Stepper(net, self.dataset.features, loss, state.optimizer, plan, state.microbatch_size)

    def validator(self, plan: Plan) -> Validator:
        if plan.ema is None or not has_batchnorm_statistics(self.net):
            return Validator(self.strategy)
        return Validator(self.strategy, lambda: self._inputs(plan, _BATCHNORM_BATCHES))

    def _inputs(self, plan: Plan, batches: int) -> Iterator[Tensor]:
        """The network's inputs from the first batches of the first epoch."""
        loader = BatchLoader(self.strategy.training_split(), plan.batch_size, plan.seed, plan.augment)
        for batch in islice(loader.epoch(0), batches):
            inputs: Tensor = self.dataset.features(batch.raw.to(plan.device))
            yield inputs
