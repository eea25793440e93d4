"""The loop: epochs of steps, a checkpoint now and then, back to the last one when the loss is lost or memory runs out.

Reads top to bottom: ``train`` → ``_train_epoch`` → ``_train_step``; then what happens at an epoch's end, and what happens
when something goes wrong. Knows nothing of where data comes from or what becomes of the weights.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from naiad.errors import LossNotFinite, Stopped
from naiad.trainer.data.batches import Batch, BatchLoader
from naiad.trainer.loop.checkpoint import Checkpoints
from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.loop.events import EventWriter
from naiad.trainer.loop.progress import Progress
from naiad.trainer.loop.state import RunState, update_ema
from naiad.trainer.loop.step import NonFiniteLoss, Stepper
from naiad.trainer.loop.stopping import StopFlag
from naiad.trainer.machine.processes import ProcessGroup, SingleProcess
from naiad.trainer.machine.seeding import RandomState
from naiad.trainer.model.evaluate import Evaluation
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.optim.schedule import learning_rate_at
from naiad.trainer.plan.plan import MicrobatchChange, Plan

MAX_ROLLBACKS = 3
ROLLBACK_RATE_FACTOR = 0.1
"""What the learning rate is multiplied by at each return to a checkpoint."""


class MicrobatchTooLarge(Exception):  # reason: a signal within the loop, which mends it
    """A step was done in smaller pieces, whose random draws no replay would repeat."""


@dataclass(frozen=True)
class ValidationResult:
    """A network's scores on the validation split, ``loss`` among them, and the one to maximise."""

    scores: dict[str, float]
    objective: float
    evaluation: Evaluation | None = None
    """Everything that was found, where there is more."""


@dataclass
class Loop:
    """The parts of one run. Each can be replaced by anything of the same shape."""

    state: RunState
    stepper: Stepper
    feed: BatchLoader
    plan: Plan
    validate: Callable[[nn.Module], ValidationResult]
    checkpoints: Checkpoints
    events: EventWriter
    progress: Progress
    stop: StopFlag
    deadline: Deadline | None
    """None is no limit."""
    group: ProcessGroup = field(default_factory=SingleProcess)

    def train(self) -> None:
        """Trains from where the state is to the plan's end.

        Raises Stopped after a checkpoint, LossNotFinite, MemoryExhausted, DiskFull.
        """
        if self.state.step == 0:
            self._checkpoint()
        while self.state.loss_samples or not self._finished():  # an epoch that was begun is ended
            try:
                self._train_epoch()
            except NonFiniteLoss as lost:
                self._return_with_a_smaller_rate(lost)
            except MicrobatchTooLarge:
                self._return_with_a_smaller_microbatch()
        self.state.schedule.end_at(self.state.step)

    def _train_epoch(self) -> None:
        started = time.perf_counter()
        epoch, position = divmod(self.state.step, self.feed.steps_per_epoch)
        self.state.net.train()
        for batch in self.feed.epoch(epoch, first_step=position):
            self._train_step(batch)
            finished = self._finished()
            epoch_ended = finished or self.state.step % self.feed.steps_per_epoch == 0
            if epoch_ended:
                self._end_epoch(epoch, seconds=time.perf_counter() - started)
            if epoch_ended or self.state.step % self.plan.checkpoint_steps == 0:
                self._checkpoint()
            if finished:
                return
            self._stop_if_asked()

    def _train_step(self, batch: Batch) -> None:
        state = self.state
        rate, microbatch_size = self._rate(state.step), state.microbatch_now()
        self.stepper.microbatch_size = microbatch_size
        loss = self.stepper.step(batch, rate)
        if self.stepper.microbatch_size < microbatch_size:
            raise MicrobatchTooLarge
        state.step += 1
        if self.deadline is not None:
            self.deadline.keep(state.schedule, state.step)
        state.loss_sum += loss * batch.whole
        state.loss_samples += batch.whole
        if state.average is not None and self.plan.ema is not None:
            update_ema(state.average, state.net, _decay_at(state.step, self.plan.ema))
        self.progress.stepped(state.step, loss, rate, batch.whole)
        self.events.step(state.step, loss, rate)

    def _rate(self, step: int) -> float:
        return learning_rate_at(self.state.schedule.position(step), self.plan) * self.state.rate_scale

    # ---- at an epoch's end

    def _end_epoch(self, epoch: int, *, seconds: float) -> None:
        state = self.state
        candidate = state.average if state.average is not None else state.net
        validation, validation_s = self.group.on_rank_zero(lambda: self._validated(candidate))
        self.group.broadcast_(list(candidate.buffers()))
        if self.deadline is not None:
            self.deadline.closing_s = validation_s
        rate = self._rate(max(0, state.step - 1))
        mean_loss = state.loss_sum / max(1, state.loss_samples)
        record = EpochRecord(epoch + 1, state.step, mean_loss, rate, seconds, validation.scores)
        state.history.append(record)
        state.loss_sum, state.loss_samples = 0.0, 0
        if self.plan.keep_weights == "best":
            state.keep_if_best(candidate, validation.objective, validation.scores.get("loss", 0.0))
        self.events.epoch(record)
        self.progress.epoch_ended(record)

    def _validated(self, net: nn.Module) -> tuple[ValidationResult, float]:
        begun = time.perf_counter()
        found = self.validate(net)
        return replace(found, evaluation=None), time.perf_counter() - begun

    def _finished(self) -> bool:
        late = self.deadline is not None and self.deadline.passed and self.state.step > 0
        return late or self.state.schedule.is_finished(self.state.step)

    # ---- checkpoints, and what goes wrong

    def _checkpoint(self, *, regular: bool = True) -> None:
        randoms = self.group.all_gather(RandomState.capture())
        self.group.on_rank_zero(lambda: self.checkpoints.save(self.state.snapshot(randoms), regular=regular))

    def _stop_if_asked(self) -> None:
        if self.stop.signal_name is not None:
            self._checkpoint(regular=False)
            raise Stopped(f"stopped by {self.stop.signal_name} at step {self.state.step} of {self.plan.total_steps}")

    def _return_with_a_smaller_rate(self, lost: NonFiniteLoss) -> None:
        state, step = self.state, self.state.step
        rate = self._rate(step)
        returns, scale = state.returns + 1, state.rate_scale * ROLLBACK_RATE_FACTOR
        if returns > MAX_ROLLBACKS:
            samples = ", ".join(str(self.feed.split.names[int(index)]) for index in lost.indices[:5])
            raise LossNotFinite(
                f"the loss is not finite at step {step} after {MAX_ROLLBACKS} returns to a checkpoint (learning rate {rate:.1e}); "
                f"its batch begins with {samples}",
                hint="look at these samples, and at the network for a division or a logarithm of zero",
            )
        self._return_to_checkpoint()
        state.returns, state.rate_scale = returns, scale
        self._checkpoint()  # a kill from here on resumes with the smaller rate
        self.progress.note(
            f"the loss is not finite at step {step}: back to step {state.step} with the learning rate times {scale:g}"
        )

    def _return_with_a_smaller_microbatch(self) -> None:
        """From the checkpoint on, so that whoever follows the plan ends with the same bits."""
        state, step, size = self.state, self.state.step, self.stepper.microbatch_size
        self._return_to_checkpoint()
        state.halvings.append(MicrobatchChange(state.step, size))
        self._checkpoint()  # a kill from here on resumes with the smaller microbatch
        self.progress.note(
            f"out of memory at step {step}: on from step {state.step} with {size} samples a forward pass, gradients accumulated"
        )

    def _return_to_checkpoint(self) -> None:
        snapshot = self.group.on_rank_zero(lambda: self.checkpoints.latest(regular=True))
        assert snapshot is not None, "a run begins with a checkpoint"
        self.state.restore(snapshot, rank=self.group.rank)
        self.checkpoints.clear_after(self.state.step)
        self.events.truncate_after(self.state.step)


def _decay_at(step: int, decay: float) -> float:
    """Small at first, so that the average forgets the initial weights."""
    return min(decay, (1 + step) / (10 + step))


def load_kept_weights(state: RunState) -> None:
    """Puts the weights that the plan keeps into ``state.net``."""
    weights = state.best_weights or (state.average.state_dict() if state.average is not None else None)
    if weights is not None:
        with torch.no_grad():
            state.net.load_state_dict(weights)
