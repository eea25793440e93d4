"""Rules for the length of a run: epochs, batch size, steps, checkpoints."""

from collections.abc import Mapping
from typing import Any

from naiad.trainer.autoscale.rules.decision import Decision, decide
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.plan.reason import count_noun

_SAMPLES_SEEN = 200_000
"""Samples that a run sees, the same ones counted again in every epoch."""
_LEAST_EPOCHS, _MOST_EPOCHS, _MOST_EPOCHS_REGRESSION = 10, 100, 60
_BATCH_SIZES = ((5_000, 128), (100, 64), (0, 16))
"""Batch size from so many training samples on."""


def choose_length(dataset: Dataset, overrides: Mapping[str, Any]) -> list[Decision]:
    samples = len(dataset.train)
    most_epochs = _MOST_EPOCHS_REGRESSION if dataset.task is Task.REGRESSION else _MOST_EPOCHS
    epochs = decide(
        overrides,
        "epochs",
        max(_LEAST_EPOCHS, min(most_epochs, round(_SAMPLES_SEEN / max(1, samples)))),
        f"{samples:,} training samples: the fewer there are, the more often each is seen",
    )
    batch_size = decide(
        overrides,
        "batch_size",
        next(size for least, size in _BATCH_SIZES if samples >= least),
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
