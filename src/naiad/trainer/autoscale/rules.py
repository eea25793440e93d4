"""Chooses what the user left out of a plan, each choice by a rule that says its reason.

Rules only, no timing: the same machine, network and data give the same plan every time. Whether a number format agrees is
checked on a copy of the network, so the run itself is not touched.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import torch
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.autoscale.multiplications import forward_multiplications
from naiad.trainer.autoscale.network_facts import (
    ATTENTION,
    CONVOLUTIONS,
    RECURRENCE,
    bf16_gap,
    is_depthwise,
    kinds_of,
    width_of,
)
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.data.features.fit import format_statistics
from naiad.trainer.data.loading import check_feed, check_workers, default_feed, default_feed_workers
from naiad.trainer.machine import device as machine
from naiad.trainer.optim.batchnorm import lowest_momentum
from naiad.trainer.optim.muon import hidden_weights, update_multiplications
from naiad.trainer.optim.optimizers import has_fused_update
from naiad.trainer.plan.overrides import check_overrides, fixed_values
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import SET_BY_USER, Reason

MUON_STEPS = 2_000
"""Up to here a run is short."""
MUON_COST, MUON_COST_LONG = 2.0, 1.0
"""What Muon's update may cost, in units of the step without it; on convolutions it earns as much, in a long run less."""
MUON_RATE, MUON_RATE_STEPS = 0.03, 500
"""Its peak for up to so many steps."""
MUON_SIDE, MUON_SIDE_MOST = 256, 2_048
"""The larger side of a matrix that bears that peak in a longer run, and the largest that was tried."""
MUON_DECAY_LONG = 0.2
"""Its weight decay in a run that is not short."""
SETTLING = 20
"""Times that BatchNorm's statistics forget within a run: those of its first weights are gone at its end."""
TABLE_RATE = 0.01
"""AdamW's peak for 100 steps on a table, in a network of 64 units a layer."""
TABLE_DECAY, SMALL_TABLE_DECAY = 1.0, 2.0
"""AdamW's weight decay for a table of classes, and for one of less than ``_SMALL_TABLE`` samples."""
_SMALL_TABLE = 1_000
SMALL_STEP = 2e7
"""Multiplications of a step that one core has done before several have agreed on who does what."""
_FEW = 5_000
"""Fewer training samples are learnt in another way."""


def make_plan(
    net: nn.Module, dataset: Dataset, wishes: Mapping[str, Any], *, seed: int, steps: int | None = None
) -> Plan:
    """What ``wishes`` give a value is kept (see ``check_overrides``); the rest is chosen.

    steps: how many there is time for, where a time limit and not the epochs decides.
    """
    builder = _Builder(net, dataset, fixed_values(check_overrides(wishes)), steps)
    return builder.build(seed)


@dataclass
class _Builder:
    net: nn.Module
    dataset: Dataset
    wishes: dict[str, Any]
    steps: int | None

    def build(self, seed: int) -> Plan:
        self.chosen: dict[str, Any] = {}
        self.reasons: dict[str, Reason] = {}
        self._length()
        self._optimizer()
        self._regularisation()
        self._machine()
        self._keep("seed", seed, "the same seed gives the same run")
        self._keep("compile", "off", "compiling takes longer than it saves, unless a measurement says otherwise")
        self._keep("schedule_adjustments", (), "the schedule is walked step by step")
        self._keep("microbatch_history", (), "memory has not run out")
        classifies = self.dataset.task is Task.CLASSIFICATION
        why = "probabilities that are right as often as they say" if classifies else "there are no probabilities"
        self._keep("calibrate", "on" if classifies else "off", why)
        self._keep("measure_fraction", 0.05, "of the run's time, at most")
        self._keep("forecast", None, "nothing was measured")
        order = {field.name: None for field in fields(Plan)}
        values = {name: self.chosen[name] for name in order if name != "reasons"}
        return Plan(**values, reasons=tuple((name, self.reasons[name]) for name in values))

    def _keep(self, name: str, value: Any, why: str, *, measured: str | None = None) -> Any:
        by_user = name in self.wishes
        self.chosen[name] = self.wishes[name] if by_user else value
        self.reasons[name] = SET_BY_USER if by_user else Reason(why, measured)
        return self.chosen[name]

    def _length(self) -> None:
        samples = len(self.dataset.train)
        most = 60 if self.dataset.task is Task.REGRESSION else 100
        epochs = max(10, min(most, round(200_000 / max(1, samples))))
        epochs = self._keep("epochs", epochs, f"for {samples:,} samples; fewer samples are seen more often")
        size = next(size for least, size in ((_FEW, 128), (100, 64), (0, 16)) if samples >= least)
        size = self._keep("batch_size", size, f"for {samples:,} samples: the kernels are full, the updates still many")
        self._keep("microbatch_size", size, "the whole batch; halved if memory runs out")
        steps = steps_per_epoch(samples, size)
        self._keep("total_steps", epochs * steps, f"{epochs} epochs of {steps} steps")
        if self.steps is None:
            self.steps = epochs * steps
        self._keep("time_limit_s", None, "none was set")
        self._keep("checkpoint_steps", 500, "and at every epoch's end")

    def _optimizer(self) -> None:
        name, why, known = self._fitting_optimizer()
        name = self._keep("optimizer", name, why, measured=known)
        self._learning_rate(name)
        self._fused()
        self._keep("momentum", 0.9, "not used by adamw" if name == "adamw" else "Nesterov momentum")
        self._weight_decay(name)
        self._keep("schedule", "one-cycle", "climbs, then falls to zero: the fewest epochs for an accuracy")
        self._keep("warmup_fraction", 0.05 if name == "muon" else 0.15, "short climb")

    def _fused(self) -> None:
        if has_fused_update(self.net):
            self._keep("fused", "on", "one kernel updates all weights")
        elif self._keep("fused", "off", "torch has no such kernel for complex weights") == "on":
            raise OptionError("fused is on, but torch has no such kernel for complex weights", hint="leave fused out")

    def _fitting_optimizer(self) -> tuple[str, str, str | None]:
        """Its name, why, and what is known of the run. By rule, and not by short runs: docs/adr/0009."""
        kinds = kinds_of(self.net)
        convolutional, attentive, recurrent = (bool(kinds & of) for of in (CONVOLUTIONS, ATTENTION, RECURRENCE))
        assert self.steps is not None  # reason: for us: _length comes first
        if self.dataset.task is not Task.CLASSIFICATION or not (convolutional or attentive or recurrent):
            return "adamw", "neither convolutions, recurrence nor attention in a classifier", None
        short, steps = self.steps <= MUON_STEPS, f"{self.steps:,} steps"
        cost = self._muon_cost()
        known = f"{steps}; muon's update multiplies {cost:.2g} times as much as the step without it"
        if cost <= (MUON_COST if short or attentive or recurrent else MUON_COST_LONG):
            few = f"{steps} are few: " if short else ""
            return "muon", f"{few}orthogonal updates go farthest, and cost little on this network", known
        if attentive or recurrent:
            return "adamw", "recurrence or attention, in matrices too large to be made orthogonal", known
        return "sgd", "a convolutional classifier, in matrices too large to be made orthogonal", known

    def _muon_cost(self) -> float:
        """Multiplications of Muon's update, as a part of those of a step without it."""
        matrices = [weight.flatten(1).shape for weight in hidden_weights(self.net)]
        return update_multiplications(matrices) / max(1.0, 3 * self._forward * int(self.chosen["batch_size"]))

    @cached_property
    def _forward(self) -> float:
        """Multiplications of a sample's way through the network; its gradients take twice as many."""
        return forward_multiplications(self.net, self.dataset)

    def _learning_rate(self, optimizer: str) -> None:
        assert self.steps is not None  # reason: as above
        if optimizer == "sgd":
            self._keep("learning_rate", 0.1, "the usual peak for sgd at this batch size")
        elif optimizer == "muon":
            self._keep("learning_rate", round(self._muon_rate(), 4), "muon's usual peak; lower the longer the run")
        elif self._is_table_like():
            shorter = 100 / self.steps
            if self.dataset.task is Task.CLASSIFICATION:  # what a value's noise does to a long run, a class's does not
                shorter = math.sqrt(shorter)
            rate = TABLE_RATE * shorter * math.sqrt(64 / max(64, width_of(self.net)))
            why = "few samples: higher for fewer steps, lower for wider networks"
            self._keep("learning_rate", round(min(0.02, max(1e-3, rate)), 5), why)
        else:
            self._keep("learning_rate", 3e-3, f"the usual peak for {optimizer}")

    def _muon_rate(self) -> float:
        """Lower in longer runs, and then the lower the larger the matrices: torch's update is so long that its largest singular
        value grows with the root of the larger side.
        """
        assert self.steps is not None  # reason: as above
        longer = max(1.0, self.steps / MUON_RATE_STEPS)
        side = max((max(weight.flatten(1).shape) for weight in hidden_weights(self.net)), default=1)
        narrow = math.sqrt(MUON_SIDE / min(MUON_SIDE_MOST, max(MUON_SIDE, side)))
        return MUON_RATE * max(1 / 3, math.sqrt(1 / longer)) * math.pow(narrow, min(1.0, math.log(longer, 4)))

    def _weight_decay(self, optimizer: str) -> None:
        assert self.steps is not None  # reason: as above
        decay, why = {"sgd": 5e-4, "adamw": 1e-2, "muon": 0.1}[optimizer], "weight matrices only"
        if optimizer == "muon" and self.steps > MUON_STEPS:
            decay, why = MUON_DECAY_LONG, f"what is seen often is learnt by heart; {why}"
        elif optimizer == "adamw" and self._is_table_like() and self.dataset.task is Task.CLASSIFICATION:
            decay = SMALL_TABLE_DECAY if len(self.dataset.train) < _SMALL_TABLE else TABLE_DECAY
            why = f"few samples are soon learnt by heart, and then too surely; {why}"
        self._keep("weight_decay", decay, f"{why}; gains and biases are not decayed")

    def _is_table_like(self) -> bool:
        """Few samples, and a network of plain layers."""
        plain = not kinds_of(self.net) & (CONVOLUTIONS | ATTENTION | RECURRENCE)
        return plain and len(self.dataset.train) < _FEW and self.dataset.task is not Task.CLUSTERING

    def _regularisation(self) -> None:
        self._keep("clip_norm", 2.0, "a rare large gradient does not throw the run off")
        self._keep("label_smoothing", 0.0, "the loss stays the one that is reported")
        augment = self._keep("augment", (), "what may be flipped or shifted is for the user to say")
        if augment and len(self.dataset.schema.sample_shape) != 3:
            raise OptionError(
                f"augment is for images; the samples have shape {tuple(self.dataset.schema.sample_shape)}"
            )
        regression = self.dataset.task is Task.REGRESSION
        if regression and len(self.dataset.train) < _FEW:
            self._keep("keep_weights", "best", "few noisy values: the best epoch on the validation split")
        else:
            self._keep("keep_weights", "last", "the schedule ends at zero: its last weights are its best")
        if regression:
            self._keep("ema", 0.98, "the mean over the last steps fits noisy values better than the last step")
        else:
            self._keep("ema", None, "the schedule's end averages enough")
        self._batchnorm()
        self._class_balance()
        self._normalisation()
        clustering = self.dataset.task is Task.CLUSTERING
        self._keep("clusters", None, "by silhouette, at the end" if clustering else "not a clustering task")

    def _batchnorm(self) -> None:
        own = lowest_momentum(self.net)
        assert self.steps is not None  # reason: as above
        least = min(0.1, SETTLING / self.steps)
        if own is None or own >= least:
            self._keep("batchnorm_momentum", None, "the network's own" if own else "no BatchNorm that has one")
        else:
            why = f"the network's own of {own:g} is for longer runs: its statistics would be those of earlier weights"
            self._keep("batchnorm_momentum", round(least, 4), why)

    def _normalisation(self) -> None:
        told = format_statistics(self.dataset.features)
        why = "mean 0 and deviation 1 by channel or column, by statistics of the training split"
        self._keep("normalisation", "on", why if told else "there is nothing to normalise", measured=told)

    def _class_balance(self) -> None:
        targets, why, measured = self.dataset.train.targets, "every sample counts alike, as it does in accuracy", None
        if self.dataset.task is not Task.CLASSIFICATION or targets is None:
            why = "there are no classes"
        else:
            counts = torch.bincount(targets)
            most, least = int(counts.max()), int(counts[counts > 0].min())
            measured = f"{most / least:.3g} samples of the most frequent class for one of the rarest"
        strength = self._keep("class_balance", 0.0, why, measured=measured)
        if strength > 0 and self.dataset.task is not Task.CLASSIFICATION:
            raise OptionError(f"class_balance is for classification; the task is {self.dataset.task}")

    def _machine(self) -> None:
        device = self._keep("device", machine.best_device(), "the fastest that torch sees here")
        self._threads(device)
        self._feed()
        images = any(isinstance(module, nn.Conv2d) for module in self.net.modules())
        why = "convolutions run along channels" if images else "no two-dimensional convolutions"
        self._keep("memory_format", "channels_last" if images else "contiguous", why)
        self._precision(device, convolutional=images)

    def _threads(self, device: str) -> None:
        cores = machine.usable_cores()
        # An LSTM's or GRU's multiplications are not counted.
        counted = self.dataset.task is not Task.CLUSTERING and not kinds_of(self.net) & RECURRENCE
        step = 3 * self._forward * int(self.chosen["batch_size"]) if counted and device == "cpu" else math.inf
        if step < SMALL_STEP:
            why = "a step is too small to be shared among cores"
            self._keep("threads", 1, why, measured=f"{step:.2g} multiplications a step")
        else:
            self._keep("threads", cores, f"{cores} cores may be used; a resumed run uses as many")

    def _feed(self) -> None:
        samples = self.dataset.train.samples
        check_feed(self.wishes.get("feed"), self.dataset)
        check_workers(self.wishes.get("feed_workers"), samples)
        self._keep("feed", *default_feed(samples))
        self._keep("feed_workers", *default_feed_workers(samples))

    def _precision(self, device: str, *, convolutional: bool) -> None:
        if not machine.has_bf16(device):
            self._keep("precision", "fp32", f"no bf16 units in this {device}")
        elif not convolutional:
            self._keep("precision", "fp32", "small matrices gain nothing from bf16")
        elif device == "cpu" and any(map(is_depthwise, self.net.modules())):
            self._keep("precision", "fp32", "depthwise convolutions take twice as long in bf16 on a CPU")
        else:
            gap = bf16_gap(self.net, self.dataset)
            agrees = gap < 0.05
            why = (
                "the processor multiplies bf16, and a check agrees"
                if agrees
                else "bf16 does not agree with fp32 on this network"
            )
            self._keep("precision", "bf16" if agrees else "fp32", why, measured=f"relative difference {gap:.1e}")
