"""Rules for regularisation, and for what keeps training steady."""

import torch

from naiad.errors import OptionError
from naiad.trainer.autoscale.rules.decision import Decision
from naiad.trainer.autoscale.rules.run_facts import RunFacts
from naiad.trainer.optim.batchnorm import lowest_momentum

BATCHNORM_RENEWALS = 20
"""Times that BatchNorm's statistics are renewed within a run: those of its first weights are gone at its end."""
_MOST_BATCHNORM_MOMENTUM = 0.1


def choose_regularisation(facts: RunFacts) -> list[Decision]:
    """Raises OptionError where the user wants images changed or classes balanced, and there are none."""
    return [
        facts.decide("clip_norm", 2.0, "a rare large gradient cannot throw the run off course"),
        facts.decide("label_smoothing", 0.0, "without it, the loss is the one that is reported"),
        _augment(facts),
        _batchnorm_momentum(facts),
        _class_balance(facts),
    ]


def _augment(facts: RunFacts) -> Decision:
    augment = facts.decide("augment", (), "only the user knows which changes keep the label")
    shape = tuple(facts.dataset.schema.sample_shape)
    if augment.value and len(shape) != 3:
        raise OptionError(f"augment is for images; the samples have shape {shape}")
    return augment


def _batchnorm_momentum(facts: RunFacts) -> Decision:
    own, least = lowest_momentum(facts.net), min(_MOST_BATCHNORM_MOMENTUM, BATCHNORM_RENEWALS / facts.steps)
    if own is None:
        return facts.decide("batchnorm_momentum", None, "the network has no BatchNorm with a momentum")
    if own >= least:
        return facts.decide("batchnorm_momentum", None, "the network's own")
    why = f"the network's own {own:g} is for longer runs; its statistics would be those of earlier weights"
    return facts.decide("batchnorm_momentum", round(least, 4), why)


def _class_balance(facts: RunFacts) -> Decision:
    targets, why, measured = facts.dataset.train.targets, "every sample counts alike, as it does in accuracy", None
    if not facts.is_classification or targets is None:
        why = "there are no classes"
    else:
        counts = torch.bincount(targets)
        ratio = int(counts.max()) / int(counts[counts > 0].min())
        measured = f"the most frequent class has {ratio:.3g} times the samples of the rarest"
    balance = facts.decide("class_balance", 0.0, why, measured=measured)
    if balance.value > 0 and not facts.is_classification:
        raise OptionError(f"class_balance is for classification; the task is {facts.dataset.task}")
    return balance
