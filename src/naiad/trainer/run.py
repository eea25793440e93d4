"""The three steps of one run over a prepared dataset, as ``fit`` takes them: choose the plan, train, finish."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from naiad.trainer import nets
from naiad.trainer.autoscale.choose_plan import LEAST_STEPS, ChosenPlan, choose_plan
from naiad.trainer.autoscale.measurement_cache import MeasurementCache
from naiad.trainer.autoscale.network_probe import NetworkProbe
from naiad.trainer.autoscale.plan_search import PlanSearch
from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.autoscale.rules.optimizer import optimizers_to_time
from naiad.trainer.autoscale.time_limit import Finalization, make_deadline
from naiad.trainer.data.batches import BatchSlice
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.finish import finish
from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.loop.distributed_step import distribute_step
from naiad.trainer.loop.loop import Loop
from naiad.trainer.loop.loop_parts import LoopParts
from naiad.trainer.loop.progress import Progress
from naiad.trainer.loop.speed_guard import make_speed_guard
from naiad.trainer.loop.state import RunState
from naiad.trainer.loop.stopping import catch_stop_signals
from naiad.trainer.loop.task_strategy import ClusteringStrategy, TaskStrategy
from naiad.trainer.machine.device import check_device
from naiad.trainer.machine.device_transfer import to_cpu, to_device
from naiad.trainer.machine.processes import ProcessGroup, SingleProcess
from naiad.trainer.machine.seeding import RandomState, derive_seed, seed_all
from naiad.trainer.model.model import Model
from naiad.trainer.nets.copies import restore_afterwards
from naiad.trainer.nets.network_output import LOGITS
from naiad.trainer.optim.batchnorm import minimum_momentum
from naiad.trainer.plan.overrides import check_microbatch, fixed_values
from naiad.trainer.plan.plan import Plan
from naiad.trainer.run_folder import RunFolder, RunRecord, check_same_inputs
from naiad.trainer.run_notes import other_epochs_notes, overrun_notes
from naiad.trainer.trained_network import TrainedNetwork

SAMPLES_KEPT = 16
"""Raw samples that go into the artifact beside the program's scores for them."""


@dataclass
class Run:
    """One run over a prepared dataset; ``fit`` takes all of its steps, a pre-flight only the training."""

    folder: RunFolder
    dataset: Dataset
    net: nn.Module
    strategy: TaskStrategy
    progress: Progress
    with_report: bool = False
    group: ProcessGroup = field(default_factory=SingleProcess)
    network_output: str = LOGITS
    """Kind of a classifier's outputs, see ``network_output.py``."""
    compiled: nn.Module | None = None
    """The user's own compiled form of ``net``, through which the steps go; None where there is none."""
    is_contended: bool = False
    """Whether other programs want the cores: what is measured then holds only then."""
    pause_at_epochs: frozenset[int] = frozenset()
    """Epochs after which training is paused."""

    def choose_plan(
        self, overrides: Mapping[str, Any], started: float, *, seed: int, followed: Plan | None = None
    ) -> ChosenPlan:
        """A new plan, the one that is followed, or the one that the run was started with; rank zero chooses for all.

        started: the time on ``time.perf_counter`` from which the time limit counts. Raises InputError.
        """
        check_same_inputs(self.group, self.dataset, self.net)
        return self.group.on_rank_zero(lambda: self._choose_plan(overrides, started, seed=seed, followed=followed))

    def train(self, chosen: ChosenPlan, started: float) -> TrainedNetwork:
        """Trains ``net`` in place, and leaves it on the device, with the weights that the plan keeps.

        Raises TrainingError, among them TrainingStopped and TrainingPaused.
        """
        plan = chosen.plan
        self._prepare_devices(plan)
        state, validator = self._parts.state(plan, started), self._parts.validator(plan)
        events = self.folder.open_event_writer()
        if self.folder.previous is not None:
            self._restore_checkpoint(state)
            events.truncate_after(state.step)
        with catch_stop_signals() as own_stop:
            deadline = self.group.on_rank_zero(lambda: self._make_deadline(chosen, state.started_at))
            stop, stepper = own_stop, self._parts.stepper(plan, state)
            if self.group.size > 1:
                stop, stepper, deadline = distribute_step(stepper, self.group, own_stop, deadline)
            loop = Loop(
                state=state,
                stepper=stepper,
                loader=self._parts.batch_loader(plan),
                plan=plan,
                validate=validator,
                checkpoints=self.folder.checkpoints,
                events=events,
                progress=self.progress,
                stop=stop,
                deadline=deadline,
                group=self.group,
                speed_guard=make_speed_guard(plan, chosen.step_s, self.progress.note),
                pause_at_epochs=self.pause_at_epochs,
            )
            self.progress.start(plan, self.dataset, step=state.step)
            try:
                with minimum_momentum(self.net, plan.batchnorm_momentum):
                    loop.train()
            finally:
                self.progress.close()
                events.close()
        state.load_kept_weights()
        self.net.eval()
        evaluation = validator.last_evaluation if plan.keep_weights == "last" else None
        return TrainedNetwork(
            state.followed_plan(plan), tuple(state.history), state.started_at, evaluation, chosen.cache
        )

    def step_seconds(self, plan: Plan) -> float:
        """Times a step of the plan on a copy of the network."""
        return self._make_probe(plan).step_seconds(plan)

    def finish(self, trained: TrainedNetwork, source: nets.NetworkSource) -> Model:
        """Returns the model on the CPU. Rank zero tests and saves it. Raises DiskFull, FolderError."""
        started = time.perf_counter()
        model = self._make_model(trained, source)
        model.evaluations, model.baseline = self.group.on_rank_zero(lambda: self._finalize(model, trained, started))
        to_cpu(model.program)
        self.group.broadcast_(list(model.program.buffers()))  # rank zero has found the head's temperature
        for note in overrun_notes(trained.plan, time.perf_counter() - trained.started_at):
            self.progress.note(note)
        return model

    # ---- the plan

    def _choose_plan(
        self, overrides: Mapping[str, Any], started: float, *, seed: int, followed: Plan | None
    ) -> ChosenPlan:
        known = self.folder.previous.plan if self.folder.previous is not None else followed
        check_device(fixed_values(overrides).get("device") if known is None else known.device)
        if self.folder.previous is not None:
            return ChosenPlan(self._recorded_plan(self.folder.previous, overrides, seed=seed))
        if followed is not None:
            self.check_batches(followed)
            steps_per_epoch = self._parts.batch_loader(followed).steps_per_epoch
            for note in other_epochs_notes(followed, steps_per_epoch=steps_per_epoch):
                self.progress.note(note)
            chosen = ChosenPlan(followed)
        else:
            chosen = self._search_plan(overrides, started, seed=seed)
        self.folder.write_record(chosen.plan, self.dataset, self.net, processes=self.group.size)
        return chosen

    def _recorded_plan(self, record: RunRecord, overrides: Mapping[str, Any], *, seed: int) -> Plan:
        """The plan that the run in the folder was started with."""
        notes = record.check(self.dataset, self.net, fixed_values(overrides), seed=seed, processes=self.group.size)
        for note in notes:
            self.progress.note(note)
        self.check_batches(record.plan)
        return record.plan

    def _search_plan(self, overrides: Mapping[str, Any], started: float, *, seed: int) -> ChosenPlan:
        """Measuring leaves no trace, whatever random numbers the network draws, and whatever its copies share with it."""

        def rules(steps: int | None, fixed: Mapping[str, Any]) -> Plan:
            choices, output = {**overrides, **fixed}, self.network_output
            return make_plan(self.net, self.dataset, choices, seed=seed, steps=steps, network_output=output)

        random = RandomState.capture()
        try:
            with restore_afterwards(self.net):
                by_rules = rules(None if overrides.get("time_limit_s") is None else 1, {})
                check_microbatch(by_rules)
                self.check_batches(by_rules)
                self.dataset.features.to(by_rules.device)
                cache = MeasurementCache.for_run(
                    self.net, self.dataset, overrides, processes=self.group.size, is_contended=self.is_contended
                )
                search = PlanSearch(
                    self._make_probe(by_rules),
                    rules,
                    unmeasured=frozenset(overrides),
                    ends_at=_end_time(by_rules, started),
                    finalization=self._finalization(cache),
                    cache=cache,
                    optimizers=optimizers_to_time(self.net, self.dataset, by_rules),
                )
                chosen = choose_plan(search, by_rules)
                self.check_batches(chosen.plan)
                return chosen
        finally:
            random.restore()

    def check_batches(self, plan: Plan) -> None:
        """Raises InputError where a process would have no samples of a batch, or the network fails on a single sample."""
        loader = self._parts.batch_loader(plan)
        loader.check_slices()
        if loader.smallest_microbatch(plan.microbatch_size) == 1:
            nets.check_single_sample(self.net, self.dataset)

    # ---- training

    def _prepare_devices(self, plan: Plan) -> None:
        """Every process has rank zero's weights on its device, and random numbers of its own for dropout."""
        to_device(self.net, plan.device, memory_format=plan.memory_format)
        self.dataset.features.to(plan.device)
        self.group.broadcast_([*self.net.parameters(), *self.net.buffers()])
        if self.group.rank > 0:
            seed_all(derive_seed(plan.seed, self.group.rank))

    def _restore_checkpoint(self, state: RunState) -> None:
        snapshot = self.group.on_rank_zero(self.folder.checkpoints.latest)
        for note in self.folder.checkpoints.take_notes():
            self.progress.note(note)
        if snapshot is None:
            self.progress.note("no checkpoint of the run is left: it begins anew, with the same plan")
            return
        state.restore(snapshot, rank=self.group.rank)
        state.started_at -= snapshot.values.get("elapsed_s", 0.0)
        self.progress.note(f"going on from the checkpoint at step {snapshot.step}")

    def _make_deadline(self, chosen: ChosenPlan, started: float) -> Deadline | None:
        plan, ends_at = chosen.plan, _end_time(chosen.plan, started)
        if ends_at is None:
            return None
        step_s = chosen.step_s if chosen.step_s is not None else self.step_seconds(plan)
        return make_deadline(plan, self._finalization(chosen.cache), step_s, ends_at=ends_at)

    def _make_probe(self, plan: Plan) -> NetworkProbe:
        loss, split = self._parts.loss_function(plan), self.strategy.training_split()
        return NetworkProbe(self.net, self.dataset.features, loss, split, self._parts.batch_slice)

    @property
    def _parts(self) -> LoopParts:
        batch_slice = BatchSlice(self.group.rank, self.group.size)
        return LoopParts(self.dataset, self.net, self.strategy, batch_slice, self.compiled)

    # ---- after training

    def _make_model(self, trained: TrainedNetwork, source: nets.NetworkSource) -> Model:
        dataset = self.dataset
        held_out = next(split for split in (dataset.test, dataset.validation, dataset.train) if split)
        return Model(
            program=self.strategy.program(self.net).eval(),
            task=dataset.task,
            schema=dataset.schema,
            classes=dataset.classes,
            target_name=dataset.target_name,
            plan=trained.plan,
            network=source,
            findings=dataset.findings,
            history=trained.history,
            samples=held_out.samples.take(torch.arange(min(SAMPLES_KEPT, len(held_out)))),
        )

    def _finalize(self, model: Model, trained: TrainedNetwork, started: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tests and saves the model, and keeps how long that took since ``started``. Returns evaluations and baseline."""
        finish(
            model,
            self.dataset,
            self.folder,
            validation=trained.evaluation,
            with_report=self.with_report,
            progress=self.progress,
        )
        plan = trained.plan
        is_long = plan.time_limit_s is not None or plan.total_steps >= LEAST_STEPS
        if trained.cache is not None and trained.history and plan.measure_fraction > 0 and is_long:
            trained.cache.store_finalization(self._finalization_kind(), time.perf_counter() - started)
        return model.evaluations, model.baseline

    def _finalization(self, cache: MeasurementCache | None) -> Finalization:
        """The work of this run after its steps, with how long it took in an earlier run."""
        dataset = self.dataset
        return Finalization(
            validation_samples=len(dataset.validation),
            test_samples=len(dataset.test) if dataset.test is not None else 0,
            saves=self.folder.path is not None,
            clustered_samples=len(dataset.train) if isinstance(self.strategy, ClusteringStrategy) else 0,
            reports=self.with_report,
            cached_s=cache.finalization_s(self._finalization_kind()) if cache is not None else None,
        )

    def _finalization_kind(self) -> str:
        saved = "saved" if self.folder.path is not None else "kept in memory"
        return f"{saved}, {'with' if self.with_report else 'without'} report"


def _end_time(plan: Plan, started: float) -> float | None:
    return None if plan.time_limit_s is None else started + plan.time_limit_s
