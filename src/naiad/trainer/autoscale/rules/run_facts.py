"""The facts of a run that the rules look at: its network, its data, the user's overrides and its length."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import nn

from naiad.trainer.autoscale.multiplications import forward_multiplications
from naiad.trainer.autoscale.network_facts import ATTENTION, CONVOLUTIONS, RECURRENCE, layer_types
from naiad.trainer.autoscale.rules.decision import Decision, decide
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.nets.table import TableEnsemble

FEW_SAMPLES = 5_000
"""Fewer training samples are learnt in another way."""


@dataclass(frozen=True)
class RunFacts:
    net: nn.Module
    dataset: Dataset
    overrides: Mapping[str, Any]
    """The values that the user sets."""
    batch_size: int
    steps: int
    """Optimisation steps of the run."""

    def decide(self, name: str, value: Any, why: str, *, measured: str | None = None) -> Decision:
        """The user's value where there is one, else ``value``, because of ``why``."""
        return decide(self.overrides, name, value, why, measured=measured)

    @property
    def is_classification(self) -> bool:
        return self.dataset.task is Task.CLASSIFICATION

    @property
    def is_regression(self) -> bool:
        return self.dataset.task is Task.REGRESSION

    @property
    def is_clustering(self) -> bool:
        return self.dataset.task is Task.CLUSTERING

    @property
    def has_few_samples(self) -> bool:
        return len(self.dataset.train) < FEW_SAMPLES

    @cached_property
    def has_convolutions(self) -> bool:
        return bool(layer_types(self.net) & CONVOLUTIONS)

    @cached_property
    def has_attention(self) -> bool:
        return bool(layer_types(self.net) & ATTENTION)

    @cached_property
    def has_recurrence(self) -> bool:
        return bool(layer_types(self.net) & RECURRENCE)

    @property
    def is_ensemble(self) -> bool:
        """Whether the network is the one that is made for tables."""
        return isinstance(self.net, TableEnsemble)

    @property
    def is_table_like(self) -> bool:
        """Whether there are few samples, and a network of plain layers learns from them."""
        is_plain = not (self.has_convolutions or self.has_attention or self.has_recurrence)
        return is_plain and self.has_few_samples and not self.is_clustering

    @cached_property
    def step_multiplications(self) -> float:
        """Multiplications of a step without its update: the gradients take twice as many as the forward pass."""
        return 3 * forward_multiplications(self.net, self.dataset) * self.batch_size
