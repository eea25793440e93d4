"""The loop: epochs of steps, regular checkpoints, and a rollback to the last one when the loss or the memory fails.

It reads top to bottom: ``train`` → ``_train_epoch`` → ``_train_step``; then the end of an epoch, and what happens when something
goes wrong. Knows nothing of where data comes from or what becomes of the weights.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from torch import nn

from naiad.errors import (
    ArtifactError,
    LossNotFinite,
    TrainingError,
    TrainingPaused,
    TrainingStopped,
    explain_errors,
)
from naiad.trainer.data.batches import Batch, BatchLoader
from naiad.trainer.loop.checkpoint import Checkpoints
from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.loop.events import EventWriter
from naiad.trainer.loop.progress import Progress
from naiad.trainer.loop.speed_guard import SpeedGuard
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
"""Factor of the learning rate at each rollback after a loss that is not finite."""


class MicrobatchTooLarge(Exception):  # reason: a signal within the loop, which rolls back
    """A step has used smaller microbatches than the plan says; its random numbers would differ when the plan is followed."""


@dataclass(frozen=True)
class ValidationResult:
    """A network's scores on the validation split."""

    scores: dict[str, float]
    """The loss and the metrics of the task."""
    objective: float
    """The score to maximise."""
    evaluation: Evaluation | None = None
    """The whole evaluation, where there is one."""


@dataclass
class Loop:
    """The components of one run. Each can be replaced by an object with the same methods."""

    state: RunState
    stepper: Stepper
    loader: BatchLoader
    plan: Plan
    validate: Callable[[nn.Module], ValidationResult]
    checkpoints: Checkpoints
    events: EventWriter
    progress: Progress
    stop: StopFlag
    deadline: Deadline | None
    """None is no limit."""
    group: ProcessGroup = field(default_factory=SingleProcess)
    speed_guard: SpeedGuard | None = None
    """None where it is not known how long a step should take."""
    pause_at_epochs: frozenset[int] = frozenset()
    """Epochs, counted from 1, after which training is paused. One that a resumed run has reached pauses it at once."""

    def train(self) -> None:
        """Trains from the state's step to the plan's end.

        Raises TrainingStopped and TrainingPaused after a checkpoint, LossNotFinite, MemoryExhausted, DiskFull; TrainingError for
        an error of the network's or the data's own code.
        """
        if self.state.step == 0:
            self._save_checkpoint()
        self._pause_if_planned()
        with explain_errors(TrainingError, lambda: f"the run failed after step {self.state.step}"):
            while self.state.epoch_samples or not self._is_finished():  # an epoch that has begun is ended
                try:
                    self._train_epoch()
                except NonFiniteLoss as error:
                    self._roll_back_with_smaller_rate(error)
                except MicrobatchTooLarge:
                    self._roll_back_with_smaller_microbatch()
        self.state.schedule.end_at(self.state.step)

    def _train_epoch(self) -> None:
        started_at = time.perf_counter()
        epoch, first_step = divmod(self.state.step, self.loader.steps_per_epoch)
        self.state.net.train()
        for batch in self.loader.epoch(epoch, first_step=first_step):
            self._train_step(batch)
            is_finished = self._is_finished()
            is_epoch_end = is_finished or self.state.step % self.loader.steps_per_epoch == 0
            if is_epoch_end:
                self._end_epoch(epoch, seconds=time.perf_counter() - started_at)
            if is_epoch_end or self.state.step % self.plan.checkpoint_steps == 0:
                self._save_checkpoint()
            if is_finished:
                return
            self._pause_if_planned()
            self._stop_if_requested()

    def _train_step(self, batch: Batch) -> None:
        state = self.state
        rate = self._learning_rate(state.step)
        loss = self._update_weights(batch, rate)
        state.step += 1
        if self.deadline is not None:
            self.deadline.adjust(state.schedule, state.step)
        state.epoch_loss_sum += loss * batch.global_size
        state.epoch_samples += batch.global_size
        if state.ema is not None and self.plan.ema is not None:
            update_ema(state.ema, state.net, _ema_decay(state.step, self.plan.ema))
        self.progress.update(state.step, loss, rate, batch.global_size)
        self.events.write_step(state.step, loss, rate)
        if self.speed_guard is not None:
            self.speed_guard.after_step()

    def _update_weights(self, batch: Batch, rate: float) -> float:
        """Returns the batch's mean loss. Raises NonFiniteLoss, MicrobatchTooLarge."""
        microbatch_size = self.state.current_microbatch_size()
        self.stepper.microbatch_size = microbatch_size
        loss = self.stepper.step(batch, rate)
        if self.stepper.microbatch_size < microbatch_size:
            raise MicrobatchTooLarge
        return loss

    def _learning_rate(self, step: int) -> float:
        return learning_rate_at(self.state.schedule.position(step), self.plan) * self.state.learning_rate_scale

    def _is_finished(self) -> bool:
        is_late = self.deadline is not None and self.deadline.has_passed and self.state.step > 0
        return is_late or self.state.schedule.is_finished(self.state.step)

    # ---- the end of an epoch

    def _end_epoch(self, epoch: int, *, seconds: float) -> None:
        state = self.state
        candidate = state.weights_to_score()
        validation, validation_s = self.group.on_rank_zero(lambda: self._time_validation(candidate))
        self.group.broadcast_(list(candidate.buffers()))
        if self.deadline is not None:
            self.deadline.last_validation_s = validation_s
        rate = self._learning_rate(max(0, state.step - 1))
        mean_loss = state.epoch_loss_sum / max(1, state.epoch_samples)
        record = EpochRecord(epoch + 1, state.step, mean_loss, rate, seconds, validation.scores)
        state.history.append(record)
        state.epoch_loss_sum, state.epoch_samples = 0.0, 0
        if self.plan.keep_weights != "last":
            loss = validation.scores.get("loss", 0.0)
            objective = validation.objective if self.plan.keep_weights == "best" else -loss
            state.keep_if_best(candidate, objective, loss)
        self.events.write_epoch(record)
        self.progress.end_epoch(record)

    def _time_validation(self, net: nn.Module) -> tuple[ValidationResult, float]:
        """The scores, without the whole evaluation, and how many seconds they took."""
        started_at = time.perf_counter()
        result = self.validate(net)
        return replace(result, evaluation=None), time.perf_counter() - started_at

    # ---- checkpoints, and rollbacks to them

    def _save_checkpoint(self, *, regular: bool = True) -> None:
        random_states = self.group.all_gather(RandomState.capture())
        self.group.on_rank_zero(lambda: self.checkpoints.save(self.state.snapshot(random_states), regular=regular))

    def _stop_if_requested(self) -> None:
        if self.stop.signal_name is not None:
            self._save_checkpoint(regular=False)
            position = f"at step {self.state.step} of {self.plan.total_steps}"
            raise TrainingStopped(f"stopped by {self.stop.signal_name} {position}")

    def _pause_if_planned(self) -> None:
        epoch, steps = divmod(self.state.step, self.loader.steps_per_epoch)
        if steps == 0 and epoch in self.pause_at_epochs and self.state.history and not self._is_finished():
            raise TrainingPaused(epoch, self.state.history[-1].validation)

    def _roll_back_with_smaller_rate(self, error: NonFiniteLoss) -> None:
        state, step = self.state, self.state.step
        rollbacks, scale = state.rollbacks + 1, state.learning_rate_scale * ROLLBACK_RATE_FACTOR
        if rollbacks > MAX_ROLLBACKS:
            raise self._loss_not_finite(error)
        self._roll_back()
        state.rollbacks, state.learning_rate_scale = rollbacks, scale
        self._save_checkpoint()  # after a kill from here on, the run resumes with the smaller rate
        self.progress.note(
            f"the loss is not finite at step {step}: back to step {state.step} with the learning rate times {scale:g}"
        )

    def _loss_not_finite(self, error: NonFiniteLoss) -> LossNotFinite:
        step, rate = self.state.step, self._learning_rate(self.state.step)
        samples = ", ".join(str(self.loader.split.names[int(index)]) for index in error.indices[:5])
        return LossNotFinite(
            f"the loss is not finite at step {step} after {MAX_ROLLBACKS} rollbacks to a checkpoint (learning rate {rate:.1e}); "
            f"its batch begins with {samples}",
            hint="look at these samples, and at the network for a division or a logarithm of zero",
        )

    def _roll_back_with_smaller_microbatch(self) -> None:
        """Repeats the steps since the checkpoint, so that a run that follows the plan ends with the same bits."""
        state, step, size = self.state, self.state.step, self.stepper.microbatch_size
        self._roll_back()
        state.microbatch_history.append(MicrobatchChange(state.step, size))
        self._save_checkpoint()  # after a kill from here on, the run resumes with the smaller microbatch
        self.progress.note(
            f"out of memory at step {step}: on from step {state.step} with {size} samples a forward pass, gradients accumulated"
        )

    def _roll_back(self) -> None:
        snapshot = self.group.on_rank_zero(lambda: self.checkpoints.latest(regular=True))
        for note in self.checkpoints.take_notes():
            self.progress.note(note)
        if snapshot is None:
            raise ArtifactError("the run has no checkpoint to go back to", hint="start it anew in another folder")
        self.state.restore(snapshot, rank=self.group.rank)
        self.checkpoints.clear_after(self.state.step)
        self.events.truncate_after(self.state.step)


def _ema_decay(step: int, decay: float) -> float:
    """The decay after ``step`` updates; smaller at first, so that the average forgets the initial weights."""
    return min(decay, (1 + step) / (10 + step))
