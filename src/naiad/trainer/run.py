"""The steps of one run over a prepared dataset, in the order in which ``fit`` takes them: plan, train, model, finish."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from naiad.trainer import nets
from naiad.trainer.autoscale import forecast
from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.autoscale.choose_plan import LEAST_STEPS, Settling, with_spent
from naiad.trainer.autoscale.measurement_cache import Remembered
from naiad.trainer.autoscale.rules import make_plan
from naiad.trainer.autoscale.time_limit import Aftermath, deadline_for
from naiad.trainer.data.batches import BatchLoader, BatchSlice
from naiad.trainer.data.dataset import Dataset, sample_evenly
from naiad.trainer.data.loading import with_decoding_workers
from naiad.trainer.finish import finish
from naiad.trainer.loop.deadline import Deadline
from naiad.trainer.loop.distributed_step import distribute_step
from naiad.trainer.loop.loop import Loop, ValidationResult, load_kept_weights
from naiad.trainer.loop.progress import Progress
from naiad.trainer.loop.state import RunState, make_ema
from naiad.trainer.loop.step import Stepper
from naiad.trainer.loop.stopping import catch_stop_signals
from naiad.trainer.loop.task_strategy import ClusteringStrategy, TaskStrategy, make_task_strategy
from naiad.trainer.machine.compilation import compile_net
from naiad.trainer.machine.device_transfer import to_cpu, to_device
from naiad.trainer.machine.processes import ProcessGroup, SingleProcess
from naiad.trainer.machine.seeding import RandomState, derive_seed, seed_all
from naiad.trainer.model.evaluate import Evaluation
from naiad.trainer.model.model import EpochRecord, Model
from naiad.trainer.nets.copies import restore_afterwards
from naiad.trainer.optim.batchnorm import has_batchnorm_statistics, minimum_momentum, recompute_statistics
from naiad.trainer.optim.losses import LossFunction, class_weights, make_loss
from naiad.trainer.optim.optimizers import make_optimizer
from naiad.trainer.plan.overrides import fixed_values
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule
from naiad.trainer.run_folder import RunFolder, RunRecord, check_same_inputs

_NORMALISING = 50
"""Batches that BatchNorm's statistics are computed from anew."""
_SCORED = 1_000
"""Validation samples that a forecast looks at."""
SAMPLES_KEPT = 16
"""Raw samples that go into the artifact beside the program's scores for them."""


@dataclass
class Run:
    """The steps of one run over a prepared dataset; ``fit`` takes all of them, a pre-flight those that can fail."""

    folder: RunFolder
    dataset: Dataset
    net: nn.Module
    strategy: TaskStrategy
    progress: Progress
    with_report: bool = False
    group: ProcessGroup = field(default_factory=SingleProcess)
    _step_s: float | None = None
    _remembered: Remembered | None = None
    _averaged_with: Plan | None = None
    """The plan, where validation is of averaged weights whose BatchNorm statistics are nobody's yet."""
    _made_s: float = 0.0
    """What the program took, which clusters for itself."""
    _validated: Evaluation | None = None
    """Of the weights that the model gets, where the loop has made it already."""

    def settle_plan(self, wishes: dict[str, Any], started: float, *, seed: int, followed: Plan | None = None) -> Plan:
        """A new plan, the one that is followed, or the one that the run was started with; the first process's for all."""
        check_same_inputs(self.group, self.dataset, self.net)
        return self.group.on_rank_zero(lambda: self._settled(wishes, started, seed=seed, followed=followed))

    def _settled(self, wishes: dict[str, Any], started: float, *, seed: int, followed: Plan | None) -> Plan:
        if self.folder.resuming:
            record = self.folder.record()
            for note in record.check(
                self.dataset, self.net, fixed_values(wishes), seed=seed, processes=self.group.size
            ):
                self.progress.note(note)
            return self._checked(record.plan)
        plan = self._checked(followed) if followed is not None else self._new_plan(wishes, started, seed=seed)
        if self.folder.path is not None:
            self.folder.begin(RunRecord.of(plan, self.dataset, self.net, processes=self.group.size))
        return plan

    def _checked(self, plan: Plan) -> Plan:
        feed = self._feed(plan)
        feed.check_shares()
        if feed.smallest_pass(plan.microbatch_size) == 1:
            nets.check_single_sample(self.net, self.dataset)
        return plan

    def _new_plan(self, wishes: dict[str, Any], started: float, *, seed: int) -> Plan:
        """Measuring and checking leave no trace, whatever the network draws, and whatever its copies share with it."""
        random = RandomState.capture()
        try:
            with restore_afterwards(self.net):
                return self._checked(self._scaled(wishes, started, seed=seed))
        finally:
            random.restore()

    def train(self, plan: Plan, started: float) -> tuple[tuple[EpochRecord, ...], Plan]:
        """The epochs, and the plan with how it was walked. Leaves the weights to keep in ``net``, where it was trained."""
        to_device(self.net, plan.device, memory_format=plan.memory_format)
        self.dataset.features.to(plan.device)
        self.group.broadcast_([*self.net.parameters(), *self.net.buffers()])
        if self.group.rank > 0:  # dropout is another one for each share
            seed_all(derive_seed(plan.seed, self.group.rank))
        state = self._state(plan, started)
        if state.average is not None and has_batchnorm_statistics(self.net):
            self._averaged_with = plan
        events = self.folder.events()
        if self.folder.resuming:
            self._go_on(state)
            events.truncate_after(state.step)
        with catch_stop_signals() as asked:
            deadline = self.group.on_rank_zero(lambda: self._deadline(plan, state.began))
            stop, stepper = asked, self._stepper(plan, state)
            if self.group.size > 1:
                stop, stepper, deadline = distribute_step(stepper, self.group, asked, deadline)
            loop = Loop(
                state=state,
                stepper=stepper,
                feed=self._feed(plan),
                plan=plan,
                validate=self._validate,
                checkpoints=self.folder.checkpoints,
                events=events,
                progress=self.progress,
                stop=stop,
                deadline=deadline,
                group=self.group,
            )
            self.progress.started(plan, self.dataset, step=state.step)
            try:
                with minimum_momentum(self.net, plan.batchnorm_momentum):
                    loop.train()
            finally:
                self.progress.done()
                events.close()
        load_kept_weights(state)
        if plan.keep_weights == "best":
            self._validated = None
        self.net.eval()
        return tuple(state.history), replace(
            plan,
            schedule_adjustments=tuple(state.schedule.adjustments),
            microbatch_history=tuple(state.halvings),
        )

    def model(self, plan: Plan, history: tuple[EpochRecord, ...], source: nets.NetworkSource) -> Model:
        dataset = self.dataset
        begun = time.perf_counter()
        program = self.strategy.program(self.net).eval()
        self._made_s = time.perf_counter() - begun
        held_out = next(split for split in (dataset.test, dataset.validation, dataset.train) if split)
        return Model(
            program=program,
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

    def finish(self, model: Model) -> None:
        """The first process tests and saves; how long that took is remembered. Brings the model back to the CPU."""
        model.evaluations, model.baseline = self.group.on_rank_zero(lambda: self._finished(model))
        to_cpu(model.program)
        self.group.broadcast_(list(model.program.buffers()))  # the head's temperature was found meanwhile

    def _finished(self, model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
        begun = time.perf_counter()
        finish(
            model,
            self.dataset,
            self.folder,
            validated=self._validated,
            with_report=self.with_report,
            progress=self.progress,
        )
        plan, last = model.plan, model.history[-1] if model.history else None
        worth_it = plan.time_limit_s is not None or plan.total_steps >= LEAST_STEPS
        if self._remembered is not None and last is not None and plan.measure_fraction > 0 and worth_it:
            score, took_s = forecast.score_of(last.validation), self._made_s + time.perf_counter() - begun
            self._remembered.keep_ending(self._ending(), took_s, steps=last.step, score=score)
        return model.evaluations, model.baseline

    def _validate(self, net: nn.Module) -> ValidationResult:
        if self._averaged_with is not None:
            recompute_statistics(net, self._some_inputs(self._averaged_with))
        found = self.strategy.validate(net)
        self._validated = found.evaluation
        return found

    def _some_inputs(self, plan: Plan) -> Iterator[Tensor]:
        feed = BatchLoader(self.strategy.training_split(), plan.batch_size, plan.seed, plan.augment)
        for batch in islice(feed.epoch(0), _NORMALISING):
            inputs: Tensor = self.dataset.features(batch.raw.to(plan.device))
            yield inputs

    def _scaled(self, wishes: Mapping[str, Any], started: float, *, seed: int) -> Plan:
        def rules(steps: int | None, given: Mapping[str, Any]) -> Plan:
            return make_plan(self.net, self.dataset, {**wishes, **given}, seed=seed, steps=steps)

        limited = wishes.get("time_limit_s") is not None
        plan = self._checked(rules(1 if limited else None, {}))
        self.dataset.features.to(plan.device)
        several = {"processes": self.group.size} if self.group.size > 1 else {}
        self._remembered = Remembered.of(self.net, self.dataset, {**wishes, **several})
        settling = Settling(
            self._bench(plan),
            rules,
            pinned=frozenset(wishes),
            ends_at=_end(plan, started),
            aftermath=self._aftermath(),
            remembered=self._remembered,
        )
        settled = settling.settle(plan)
        self._step_s = settled.step_s
        if settled.plan.measure_fraction == 0:
            return settled.plan
        outcomes, measuring = self._remembered.outcomes(), settled.measuring
        found = forecast.made(settled.plan, measuring, self._score(), outcomes=outcomes)
        return found if measuring is None else with_spent(found, measuring)

    def _score(self) -> forecast.Score:
        """On some of the validation split: a forecast is rough."""
        strategy = make_task_strategy(replace(self.dataset, validation=sample_evenly(self.dataset.validation, _SCORED)), seed=0)
        return lambda net: forecast.score_of(strategy.validate(net).scores)

    def _bench(self, plan: Plan) -> Bench:
        return Bench(self.net, self.dataset.features, self._loss(plan), self.strategy.training_split(), self._share())

    def _aftermath(self) -> Aftermath:
        dataset = self.dataset
        ending = self._ending()
        remembered_s = self._remembered.finishing_s(ending) if self._remembered is not None else None
        return Aftermath(
            validation_samples=len(dataset.validation),
            test_samples=len(dataset.test) if dataset.test is not None else 0,
            saves=self.folder.path is not None,
            clustered_samples=len(dataset.train) if isinstance(self.strategy, ClusteringStrategy) else 0,
            reports=self.with_report,
            remembered_s=remembered_s,
        )

    def _ending(self) -> str:
        saved = "saved" if self.folder.path is not None else "kept in memory"
        return f"{saved}, {'with' if self.with_report else 'without'} report"

    def _deadline(self, plan: Plan, started: float) -> Deadline | None:
        end = _end(plan, started)
        if end is None:
            return None
        step_s = self._step_s if self._step_s is not None else self._bench(plan).step_seconds(plan)
        return deadline_for(plan, self._aftermath(), step_s, ends_at=end)

    def _go_on(self, state: RunState) -> None:
        snapshot = self.group.on_rank_zero(self.folder.checkpoints.latest)
        if snapshot is not None:
            state.restore(snapshot, rank=self.group.rank)
            state.began -= snapshot.values.get("elapsed_s", 0.0)
            self.progress.note(f"going on from the checkpoint at step {snapshot.step}")

    def _state(self, plan: Plan, began: float) -> RunState:
        average = make_ema(self.net) if plan.ema is not None else None
        schedule = AdjustedSchedule(plan.total_steps, list(plan.schedule_adjustments))
        optimizer, halvings = make_optimizer(self.net, plan), list(plan.microbatch_history)
        return RunState(self.net, optimizer, average, plan.microbatch_size, schedule, began, halvings=halvings)

    def _stepper(self, plan: Plan, state: RunState) -> Stepper:
        net = compile_net(self.net, enabled=plan.compile == "on")
        return Stepper(net, self.dataset.features, self._loss(plan), state.optimizer, plan, state.microbatch_size)

    def _loss(self, plan: Plan) -> LossFunction:
        targets, weights = self.strategy.training_split().targets, None
        if plan.class_balance > 0 and targets is not None:
            weights = class_weights(targets, len(self.dataset.classes), plan.class_balance)
        return make_loss(self.dataset.task, label_smoothing=plan.label_smoothing, weights_K=weights)

    def _feed(self, plan: Plan) -> BatchLoader:
        split = with_decoding_workers(self.strategy.training_split(), plan.feed_workers)
        return BatchLoader(split, plan.batch_size, plan.seed, plan.augment, self._share())

    def _share(self) -> BatchSlice:
        return BatchSlice(self.group.rank, self.group.size)


def _end(plan: Plan, started: float) -> float | None:
    return None if plan.time_limit_s is None else started + plan.time_limit_s
