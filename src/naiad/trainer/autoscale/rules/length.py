"""Rules for the length of a run: epochs, batch size, steps, checkpoints."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from naiad.trainer.autoscale.rules.decision import Decision, decide
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.nets.table import TableEnsemble
from naiad.trainer.plan.reason import count_noun

_SAMPLES_SEEN, _SAMPLES_SEEN_ENSEMBLE = 200_000, 100_000
"""Samples that a run sees, the same ones counted again in every epoch."""
_LEAST_EPOCHS, _MOST_EPOCHS, _MOST_EPOCHS_REGRESSION = 10, 100, 60
_LEAST_EPOCHS_ENSEMBLE, _MOST_EPOCHS_ENSEMBLE = 15, 100
_BATCH_SIZES = ((5_000, 128), (100, 64), (0, 16))
"""Batch size from so many training samples on."""
_BATCH_SIZES_ENSEMBLE = ((20_000, 256), (2_000, 128), (400, 64), (150, 32), (0, 16))


def choose_length(net: nn.Module, dataset: Dataset, overrides: Mapping[str, Any]) -> list[Decision]:
    samples = len(dataset.train)
    epochs = decide(
        overrides,
        "epochs",
        _epochs(net, dataset),
        f"{samples:,} training samples: the fewer there are, the more often each is seen",
    )
    batch_sizes = _BATCH_SIZES_ENSEMBLE if isinstance(net, TableEnsemble) else _BATCH_SIZES
    batch_size = decide(
        overrides,
        "batch_size",
        next(size for least, size in batch_sizes if samples >= least),
        f"{samples:,} training samples: large enough to keep the processor busy, small enough for many updates",
    )
    steps = steps_per_epoch(samples, batch_size.value)
    return [
        epochs,
        batch_size,
        decide(overrides, "microbatch_size", batch_size.value, "the whole batch; halved if memory runs out"),
        decide(
            overrides,
            "total_steps",
            epochs.value * steps,
            f"{count_noun(epochs.value, 'epoch')} of {count_noun(steps, 'step')}",
        ),
        decide(overrides, "time_limit_s", None, "no limit was set"),
        decide(overrides, "checkpoint_steps", 500, "another checkpoint is written at the end of every epoch"),
    ]


def _epochs(net: nn.Module, dataset: Dataset) -> int:
    samples = max(1, len(dataset.train))
    if isinstance(net, TableEnsemble):
        return max(_LEAST_EPOCHS_ENSEMBLE, min(_MOST_EPOCHS_ENSEMBLE, round(_SAMPLES_SEEN_ENSEMBLE / samples)))
    most = _MOST_EPOCHS_REGRESSION if dataset.task is Task.REGRESSION else _MOST_EPOCHS
    return max(_LEAST_EPOCHS, min(most, round(_SAMPLES_SEEN / samples)))
