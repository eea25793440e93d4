"""Rules for the optimizer: its kind, weight decay, momentum and schedule. They are not measured: see docs/adr/0009."""

from naiad.errors import OptionError
from naiad.trainer.autoscale.rules.decision import Decision
from naiad.trainer.autoscale.rules.learning_rate import choose_learning_rate
from naiad.trainer.autoscale.rules.run_facts import RunFacts
from naiad.trainer.machine import device as hardware
from naiad.trainer.optim.muon import hidden_weights
from naiad.trainer.optim.newton_schulz import count_multiplications
from naiad.trainer.optim.optimizers import has_fused_update

MUON_STEPS = 2_000
"""A run of up to so many steps is short."""
MUON_COST, MUON_COST_LONG = 2.0, 1.0
"""Cost of Muon's update, at most, in units of the step without it; the second is for convolutions in a long run."""
MUON_DECAY_LONG = 0.2
"""Muon's weight decay in a run that is not short."""
TABLE_DECAY, SMALL_TABLE_DECAY = 1.0, 2.0
"""AdamW's weight decay for a table of classes, and for one of less than ``_SMALL_TABLE`` samples."""
_SMALL_TABLE = 1_000
_WEIGHT_DECAY = {"sgd": 5e-4, "adamw": 1e-2, "muon": 0.1}


def choose_optimizer(facts: RunFacts) -> list[Decision]:
    """Raises OptionError where the user wants a fused update that torch does not have."""
    optimizer = _optimizer(facts)
    name: str = optimizer.value
    momentum_why = "adamw does not use it" if name == "adamw" else "Nesterov momentum"
    return [
        optimizer,
        choose_learning_rate(facts, name),
        _muon_precision(facts, name),
        _fused(facts),
        facts.decide("momentum", 0.9, momentum_why),
        _weight_decay(facts, name),
        facts.decide(
            "schedule", "one-cycle", "it rises, then falls to zero, and needs the fewest epochs for an accuracy"
        ),
        facts.decide("warmup_fraction", 0.05 if name == "muon" else 0.15, "a short rise to the peak"),
    ]


def _optimizer(facts: RunFacts) -> Decision:
    has_large_layers = facts.has_convolutions or facts.has_attention or facts.has_recurrence
    if not facts.is_classification or not has_large_layers:
        return facts.decide(
            "optimizer", "adamw", "the usual choice, except for classifiers with convolutions, recurrence or attention"
        )
    cost = _muon_cost(facts)
    measured = f"{facts.steps:,} steps; muon's update multiplies {cost:.2g} times as much as the step without it"
    is_short, is_sequential = facts.steps <= MUON_STEPS, facts.has_attention or facts.has_recurrence
    if cost <= (MUON_COST if is_short or is_sequential else MUON_COST_LONG):
        few = f"{facts.steps:,} steps are few, and " if is_short else ""
        why = f"{few}muon's orthogonal updates make the most of each step at little cost"
        return facts.decide("optimizer", "muon", why, measured=measured)
    if is_sequential:
        why = "recurrence or attention, with matrices for which muon's update costs too much"
        return facts.decide("optimizer", "adamw", why, measured=measured)
    why = "a convolutional classifier, with matrices for which muon's update costs too much"
    return facts.decide("optimizer", "sgd", why, measured=measured)


def _muon_cost(facts: RunFacts) -> float:
    """Multiplications of Muon's update, in units of those of a step without it."""
    matrices = [weight.flatten(1).shape for weight in hidden_weights(facts.net)]
    return count_multiplications(matrices) / max(1.0, facts.step_multiplications)


def _muon_precision(facts: RunFacts, optimizer: str) -> Decision:
    if optimizer != "muon":
        return facts.decide("muon_precision", "fp32", f"{optimizer} does not use it")
    device = str(facts.overrides.get("device", hardware.best_device()))
    if hardware.has_bf16(device):
        return facts.decide("muon_precision", "bf16", f"this {device} has bf16 units")
    return facts.decide("muon_precision", "fp32", f"this {device} has no bf16 units, and imitating them is slow")


def _fused(facts: RunFacts) -> Decision:
    if has_fused_update(facts.net):
        return facts.decide("fused", "on", "one kernel updates all weights")
    fused = facts.decide("fused", "off", "torch has no such kernel for complex weights")
    if fused.value == "on":
        raise OptionError("fused is on, but torch has no such kernel for complex weights", hint="leave fused out")
    return fused


def _weight_decay(facts: RunFacts, optimizer: str) -> Decision:
    decay, why = _WEIGHT_DECAY[optimizer], "only for matrices, not for gains and biases"
    if optimizer == "muon" and facts.steps > MUON_STEPS:
        decay, why = MUON_DECAY_LONG, f"{why}; more in a long run, which overfits more"
    elif optimizer == "adamw" and facts.is_table_like and facts.is_classification:
        decay = SMALL_TABLE_DECAY if len(facts.dataset.train) < _SMALL_TABLE else TABLE_DECAY
        why = f"{why}; more for few samples, which are soon learnt by heart"
    return facts.decide("weight_decay", decay, why)
