"""The loop: learning, exact resume, rollbacks, stops and deadlines."""

import os
import signal

import pytest
import torch
from torch import nn

from naiad.errors import LossNotFinite, TrainingPaused, TrainingStopped
from naiad.trainer.data.batches import BatchLoader
from naiad.trainer.loop.checkpoint import FolderCheckpoints, MemoryCheckpoints
from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.loop.events import NullEventWriter
from naiad.trainer.loop.loop import Loop
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.loop.state import RunState, make_ema
from naiad.trainer.loop.step import Stepper
from naiad.trainer.loop.stopping import StopFlag, catch_stop_signals
from naiad.trainer.loop.task_strategy import make_task_strategy
from naiad.trainer.optim.losses import make_loss
from naiad.trainer.optim.optimizers import make_optimizer
from naiad.trainer.plan.plan import MicrobatchChange
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule


class NotesProgress(SilentProgress):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def make_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))


def make_loop(dataset, plan, *, checkpoints=None, net=None, stop=None, deadline=None, before_step=lambda step: None):
    net = net if net is not None else make_net()
    state = RunState(
        net,
        make_optimizer(net, plan),
        make_ema(net) if plan.ema else None,
        plan.microbatch_size,
        AdjustedSchedule(plan.total_steps),
    )

    class WatchedStepper(Stepper):
        def step(self, batch, rate):
            before_step(state.step)
            return super().step(batch, rate)

    stepper = WatchedStepper(
        net, dataset.features, make_loss(dataset.task), state.optimizer, plan, plan.microbatch_size
    )
    return Loop(
        state=state,
        stepper=stepper,
        loader=BatchLoader(dataset.train, plan.batch_size, plan.seed),
        plan=plan,
        validate=make_task_strategy(dataset, seed=0).validate,
        checkpoints=checkpoints if checkpoints is not None else MemoryCheckpoints(),
        events=NullEventWriter(),
        progress=NotesProgress(),
        stop=stop if stop is not None else StopFlag(),
        deadline=deadline,
    )


def weights(loop):
    return torch.cat([parameter.detach().flatten() for parameter in loop.state.net.parameters()])


def test_the_loop_learns(blobs, plan):
    loop = make_loop(blobs, plan())
    loop.train()
    assert loop.state.step == 40
    assert [record.epoch for record in loop.state.history] == [1, 2, 3, 4]
    assert loop.state.history[-1].validation["accuracy"] > 0.8
    assert loop.state.history[-1].train_loss < loop.state.history[0].train_loss


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("ema", [None, 0.9])
@pytest.mark.parametrize("killed_at", [0, 1, 6, 7, 13, 20, 27, 39])
def test_a_run_that_is_killed_at_any_step_ends_bitwise_equal(tmp_path, blobs, plan, killed_at, keep, ema):
    choices = plan(keep_weights=keep, ema=ema)
    whole = make_loop(blobs, choices)
    torch.manual_seed(5)
    whole.train()
    whole.state.load_kept_weights()

    def die(step):
        if step == killed_at:
            raise KeyboardInterrupt

    killed = make_loop(blobs, choices, checkpoints=FolderCheckpoints(tmp_path), before_step=die)
    torch.manual_seed(5)
    with pytest.raises(KeyboardInterrupt):
        killed.train()
    resumed = make_loop(blobs, choices, checkpoints=FolderCheckpoints(tmp_path))
    resumed.state.restore(resumed.checkpoints.latest())
    assert resumed.state.step <= killed_at
    resumed.train()
    resumed.state.load_kept_weights()
    assert torch.equal(weights(resumed), weights(whole))
    losses = [[record.train_loss for record in loop.state.history] for loop in (resumed, whole)]
    assert losses[0] == losses[1]


def test_a_run_that_is_paused_ends_bitwise_equal(tmp_path, blobs, plan):
    choices = plan(restarts=(1, 3), ema=0.9)
    whole = make_loop(blobs, choices)
    torch.manual_seed(5)
    whole.train()
    for epoch in (1, 3, None):
        loop = make_loop(blobs, choices, checkpoints=FolderCheckpoints(tmp_path))
        torch.manual_seed(5)
        snapshot = loop.checkpoints.latest()
        if snapshot is not None:
            loop.state.restore(snapshot)
        loop.pause_at_epochs = frozenset({epoch})
        if epoch is None:
            loop.train()
            break
        with pytest.raises(TrainingPaused, match=f"paused after epoch {epoch}") as paused:
            loop.train()
        assert (paused.value.epoch, paused.value.scores) == (epoch, loop.state.history[-1].validation)
        assert loop.state.step == 10 * epoch
    assert torch.equal(weights(loop), weights(whole))
    assert [record.validation for record in loop.state.history] == [record.validation for record in whole.state.history]


def test_a_pause_that_a_crash_has_hidden_is_made_before_a_step(tmp_path, blobs, plan):
    loop = make_loop(blobs, plan(), checkpoints=FolderCheckpoints(tmp_path))
    loop.pause_at_epochs = frozenset({2})
    with pytest.raises(TrainingPaused):
        loop.train()
    again = make_loop(blobs, plan(), checkpoints=FolderCheckpoints(tmp_path))
    again.pause_at_epochs = frozenset({2})
    again.state.restore(again.checkpoints.latest())
    with pytest.raises(TrainingPaused):
        again.train()
    assert again.state.step == 20


def test_the_last_epoch_is_no_pause(blobs, plan):
    loop = make_loop(blobs, plan())
    loop.pause_at_epochs = frozenset({4})
    loop.train()
    assert loop.state.step == 40


def poison(loop, *, at_step, times):
    """Makes the loss NaN at ``at_step``, the first ``times`` times that the loop reaches it."""
    original, left = loop.stepper.loss, [times]

    def loss(net, inputs, targets):
        value = original(net, inputs, targets)
        if loop.state.step == at_step and left[0] > 0:
            left[0] -= 1
            return value * float("nan")
        return value

    loop.stepper.loss = loss


def test_after_a_loss_that_is_not_finite_the_loop_rolls_back_with_a_smaller_rate(blobs, plan):
    loop = make_loop(blobs, plan())
    poison(loop, at_step=17, times=2)
    loop.train()
    assert loop.state.step == 40
    assert loop.state.rollbacks == 2
    assert loop.state.learning_rate_scale == pytest.approx(0.01)
    assert "not finite at step 17: back to step 14" in loop.progress.notes[0]
    assert [record.epoch for record in loop.state.history] == [1, 2, 3, 4]


def test_a_loss_that_stays_not_finite_is_an_error_with_step_and_samples(blobs, plan):
    loop = make_loop(blobs, plan())
    poison(loop, at_step=17, times=99)
    with pytest.raises(LossNotFinite, match=r"step 17 after 3 rollbacks .* index \d+, index \d+"):
        loop.train()


def test_a_run_that_rolled_back_resumes_with_the_smaller_rate(tmp_path, blobs, plan):
    loop = make_loop(blobs, plan(), checkpoints=FolderCheckpoints(tmp_path))
    poison(loop, at_step=17, times=99)
    with pytest.raises(LossNotFinite):
        loop.train()
    resumed = make_loop(blobs, plan(), checkpoints=FolderCheckpoints(tmp_path))
    resumed.state.restore(resumed.checkpoints.latest())
    assert (resumed.state.step, resumed.state.rollbacks) == (14, 3)


def test_sigterm_writes_a_checkpoint_and_stops(tmp_path, blobs, plan):
    def send_signal(step):
        if step == 11:
            os.kill(os.getpid(), signal.SIGTERM)

    with catch_stop_signals() as stop:
        loop = make_loop(blobs, plan(), checkpoints=FolderCheckpoints(tmp_path), stop=stop, before_step=send_signal)
        with pytest.raises(TrainingStopped, match="SIGTERM at step 12 of 40"):
            loop.train()
    assert FolderCheckpoints(tmp_path).latest().step == 12
    assert FolderCheckpoints(tmp_path).latest(regular=True).step == 10


def test_the_deadline_ends_a_run_after_the_current_step(blobs, plan):
    loop = make_loop(blobs, plan(), deadline=Deadline(ends_at=0.0, last_validation_s=0.0))
    loop.train()
    assert loop.state.step == 1
    assert len(loop.state.history) == 1


def test_the_best_epoch_is_kept_when_the_plan_says_so(blobs, plan):
    loop = make_loop(blobs, plan(keep_weights="best", learning_rate=3.0))
    loop.train()
    best = max(record.validation["accuracy"] for record in loop.state.history)
    loop.state.load_kept_weights()
    assert loop.validate(loop.state.net).scores["accuracy"] == best


class ShortOfMemory(nn.Module):
    """Has memory for at most five samples from its n-th forward pass on."""

    def __init__(self, *, from_pass):
        super().__init__()
        self.layers, self.passes_left = make_net(), from_pass

    def forward(self, inputs):
        self.passes_left -= self.training
        if self.training and self.passes_left <= 0 and len(inputs) > 5:
            raise torch.OutOfMemoryError
        return self.layers(inputs)


def test_a_smaller_microbatch_is_repeated_bit_for_bit(tmp_path, blobs, plan):
    first = make_loop(blobs, plan(ema=0.9), net=ShortOfMemory(from_pass=17), checkpoints=FolderCheckpoints(tmp_path))
    torch.manual_seed(5)
    first.train()
    assert first.state.microbatch_history == [MicrobatchChange(14, 5)]
    assert first.progress.notes == [
        "out of memory at step 16: on from step 14 with 5 samples a forward pass, gradients accumulated"
    ]
    assert [record.epoch for record in first.state.history] == [1, 2, 3, 4]
    again = make_loop(blobs, plan(ema=0.9))
    again.state.microbatch_history = [MicrobatchChange(14, 5)]
    torch.manual_seed(5)
    again.train()
    assert again.progress.notes == []
    assert torch.equal(weights(first), weights(again))
    whole = make_loop(blobs, plan(ema=0.9))
    torch.manual_seed(5)
    whole.train()
    assert not torch.equal(weights(first), weights(whole)), "smaller microbatches draw other dropout masks"
    assert FolderCheckpoints(tmp_path).latest().values["microbatch_history"] == [{"step": 14, "size": 5}]


def test_a_run_that_is_resumed_after_its_deadline_ends_its_epoch(tmp_path, blobs, plan):
    def request_stop(step):
        stop.signal_name = "SIGTERM" if step == 12 else None

    stop = StopFlag()
    stopped = make_loop(blobs, plan(), checkpoints=FolderCheckpoints(tmp_path), stop=stop, before_step=request_stop)
    with pytest.raises(TrainingStopped):
        stopped.train()
    resumed = make_loop(blobs, plan(), deadline=Deadline(ends_at=0.0, last_validation_s=0.0, clock=lambda: 1.0))
    resumed.state.restore(FolderCheckpoints(tmp_path).latest())
    resumed.train()
    assert [(record.epoch, record.step) for record in resumed.state.history] == [(1, 10), (2, 14)]
    resumed.train()
    assert resumed.state.step == 14, "it has ended"
