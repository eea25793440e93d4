"""``fit``: data and a network in, a trained model out.

Reads top to bottom: prepare the data, settle the network and the plan, run the loop, make the model, test it, save it.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from naiad.trainer import nets, run_folder, timing
from naiad.trainer.choices import check_wishes, make_plan
from naiad.trainer.data.batches import Feed
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.prepare import prepare
from naiad.trainer.finish import finish
from naiad.trainer.loop import Loop, load_best
from naiad.trainer.losses import loss_for
from naiad.trainer.model import EpochRecord, Model
from naiad.trainer.optimizers import make_optimizer
from naiad.trainer.plan import Plan
from naiad.trainer.progress import Progress, progress_for
from naiad.trainer.recipe import Recipe, recipe_for
from naiad.trainer.run_folder import RunFolder, RunRecord
from naiad.trainer.seeding import RandomState, check_seed, seeded
from naiad.trainer.state import RunState, averaged_copy
from naiad.trainer.step import Stepper
from naiad.trainer.stopping import listening

SAMPLES_KEPT = 16
"""Raw samples that go into the artifact beside the program's scores for them."""


def fit(
    net: nn.Module | type[nn.Module] | str | None,
    data: Any,
    *,
    validation: Any = None,
    epochs: int | None = None,
    time_limit_s: float | None = None,
    plan: Mapping[str, Any] | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool | None = None,
    task: str | None = None,
    label: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    report: bool = True,
    progress: Progress | None = None,
) -> Model:
    """Trains ``net`` on ``data``, tests it where there is a test split, and returns the model.

    net: a module (trained in place), a registry name (``naiad nets``), ``file.py:Class``, or None to have one chosen.
    data: a path, a name, a torch Dataset, arrays ``(X, y)``, a table, or a dict of splits.
    validation: as ``data``; without it a part of the training split is set aside, stratified and seeded.
    time_limit_s: wall seconds from this call to its return; the last epoch may be cut short.
    plan: choices to keep instead of having them made, by name: ``{"batch_size": 64}`` (see Plan).
    out: the folder for the artifact, checkpoints, metrics and report; None keeps everything in memory.
    resume: True goes on from the last checkpoint in ``out``, if there is one.
    task: ``classification``, ``regression`` or ``clustering``; None has it found from the data.
    label: the target's column, for tables. image_size: side, or (height, width), in pixels.
    report: False leaves out the baseline and report.html.
    progress: where to tell what happens; None is a bar on a terminal and lines elsewhere, on stderr.

    Raises InputError before anything is written; TrainingError (Stopped among them) when the run ends early.
    """
    started = time.perf_counter()
    check_seed(seed)
    wishes = check_wishes({**(plan or {}), **_given(epochs=epochs, time_limit_s=time_limit_s)})
    folder = run_folder.claim(out, resume=bool(resume))
    progress = progress if progress is not None else progress_for()
    with seeded(seed):
        dataset = prepare(data, validation=validation, task=task, label=label, image_size=image_size, seed=seed)
        module, source = nets.resolve(net, dataset=dataset)
        nets.check_network(module, dataset)
        with _threads(wishes.get("threads")):
            run = _Run(
                folder, dataset, module, recipe_for(dataset, seed=seed, clusters=wishes.get("clusters")), progress
            )
            settled = run.settle_plan(wishes, started, seed=seed)
            with _threads(settled.threads):
                history = run.train(settled, started)
                model = run.model(settled, history, source)
                finish(model, dataset, folder, with_report=report, progress=progress)
    return model


@dataclass
class _Run:
    folder: RunFolder
    dataset: Dataset
    net: nn.Module
    recipe: Recipe
    progress: Progress

    def settle_plan(self, wishes: dict[str, Any], started: float, *, seed: int) -> Plan:
        """A new plan, or the one that the run was started with."""
        if self.folder.resuming:
            record = self.folder.record()
            for note in record.check(self.dataset, self.net, wishes, seed=seed):
                self.progress.note(note)
            return record.plan
        plan = make_plan(self.net, self.dataset, wishes, seed=seed)
        if plan.time_limit_s is not None:
            plan = self._within_time(plan, plan.time_limit_s, started)
        self.folder.begin(RunRecord.of(plan, self.dataset, self.net))
        return plan

    def train(self, plan: Plan, started: float) -> tuple[EpochRecord, ...]:
        """Leaves the weights that the plan keeps in ``net``, on the CPU."""
        _placed(self.net, plan.device, _layout(plan))
        self.dataset.features.to(plan.device)
        state = self._state(plan)
        events = self.folder.events()
        if self.folder.resuming:
            self._go_on(state)
            events.truncate_after(state.step)
        limit_s = plan.time_limit_s
        deadline = started + limit_s - timing.finishing_s(limit_s) if limit_s is not None else None
        with listening() as stop:
            loop = Loop(
                state=state,
                stepper=self._stepper(plan, state),
                feed=self._feed(plan),
                plan=plan,
                validate=self.recipe.validate,
                checkpoints=self.folder.checkpoints,
                events=events,
                progress=self.progress,
                stop=stop,
                deadline=deadline,
            )
            self.progress.started(plan, self.dataset, step=state.step)
            try:
                loop.train()
            finally:
                self.progress.done()
                events.close()
        load_best(state)
        _placed(self.net, "cpu", torch.contiguous_format).eval()
        self.dataset.features.cpu()
        return tuple(state.history)

    def model(self, plan: Plan, history: tuple[EpochRecord, ...], source: nets.NetworkSource) -> Model:
        dataset = self.dataset
        held_out = next(split for split in (dataset.test, dataset.validation, dataset.train) if split)
        return Model(
            program=self.recipe.program(self.net).eval(),
            task=dataset.task,
            schema=dataset.schema,
            classes=dataset.classes,
            target_name=dataset.target_name,
            plan=plan,
            network=source,
            findings=dataset.findings,
            history=history,
            samples=held_out.samples.take(torch.arange(min(SAMPLES_KEPT, len(held_out)))),
        )

    def _within_time(self, plan: Plan, limit_s: float, started: float) -> Plan:
        before = RandomState.capture()
        loss = loss_for(self.dataset.task, label_smoothing=plan.label_smoothing)
        feed = self._feed(plan)
        step_s = timing.step_seconds(
            _placed(self.net, plan.device, _layout(plan)), self.dataset.features.to(plan.device), loss, feed, plan
        )
        before.restore()
        left_s = started + limit_s - timing.finishing_s(limit_s) - time.perf_counter()
        return timing.within_time(plan, step_s, left_s=left_s, steps_per_epoch=feed.steps_per_epoch)

    def _go_on(self, state: RunState) -> None:
        snapshot = self.folder.checkpoints.latest()
        if snapshot is not None:
            state.restore(snapshot)
            self.progress.note(f"going on from the checkpoint at step {snapshot.step}")

    def _state(self, plan: Plan) -> RunState:
        average = averaged_copy(self.net) if plan.average is not None else None
        return RunState(self.net, make_optimizer(self.net, plan), average, plan.microbatch_size)

    def _stepper(self, plan: Plan, state: RunState) -> Stepper:
        loss = loss_for(self.dataset.task, label_smoothing=plan.label_smoothing)
        return Stepper(self.net, self.dataset.features, loss, state.optimizer, plan, state.microbatch_size)

    def _feed(self, plan: Plan) -> Feed:
        return Feed(self.recipe.training_split(), plan.batch_size, plan.seed, plan.augment)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _layout(plan: Plan) -> torch.memory_format:
    return torch.channels_last if plan.memory_format == "channels_last" else torch.contiguous_format


def _placed(net: nn.Module, device: str, layout: torch.memory_format) -> nn.Module:
    return net.to(device).to(memory_format=layout)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """torch's threads inside the block; None leaves them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
