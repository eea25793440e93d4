"""Rules for the optimizer: its kind, weight decay, momentum and schedule.

How much an optimizer learns in a step is a rule; what its step costs is timed in runs that are long enough: see docs/adr/0013.
"""

from torch import nn

from naiad.errors import OptionError
from naiad.trainer.autoscale.network_facts import ATTENTION, RECURRENCE, layer_types
from naiad.trainer.autoscale.rules.decision import Decision
from naiad.trainer.autoscale.rules.learning_rate import choose_learning_rate
from naiad.trainer.autoscale.rules.run_facts import RunFacts
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.machine import device as hardware
from naiad.trainer.optim.muon import hidden_weights
from naiad.trainer.optim.newton_schulz import count_multiplications
from naiad.trainer.optim.optimizers import has_fused_update
from naiad.trainer.plan.plan import Plan

MUON_STEPS = 2_000
"""A run of up to so many steps is short."""
MUON_COST, MUON_COST_LONG = 2.0, 1.0
"""Cost of Muon's update, at most, in units of the step without it; the second is for convolutions in a long run."""
_WORTH_TIMING = 5.0
"""Counted cost of Muon's update, in units of the cost that is allowed, up to which it is worth timing: a count is rough."""
MUON_DECAY_LONG = 0.2
"""Muon's weight decay in a run that is not short."""
TABLE_DECAY, SMALL_TABLE_DECAY = 1.0, 2.0
"""AdamW's weight decay for a table of classes, and for one of less than ``_SMALL_TABLE`` samples."""
ENSEMBLE_DECAY = 0.1
"""AdamW's weight decay for a network of members, between those of TabM (0.0001 to 0.1, tuned) and the default of muon."""
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
        facts.decide("restarts", (), "only a search that pauses its trials needs them"),
        facts.decide("warmup_fraction", 0.05 if name == "muon" else 0.15, "a short rise to the peak"),
    ]


def optimizers_to_time(net: nn.Module, dataset: Dataset, plan: Plan) -> tuple[str, ...]:
    """Returns the optimizers between which the time of a step decides: Muon and another one, or none."""
    facts = RunFacts(net, dataset, {}, plan.batch_size, plan.total_steps)
    if (
        plan.is_set_by_user("optimizer")
        or not _suits_muon(facts)
        or _muon_cost(facts) > _WORTH_TIMING * most_muon_cost(facts.net, facts.steps)
    ):
        return ()
    return ("muon", _other_optimizer(facts))


def most_muon_cost(net: nn.Module, steps: int) -> float:
    """Returns the cost of Muon's update at which it still pays in a run of so many steps, in units of the step without it."""
    is_sequential = bool(layer_types(net) & (ATTENTION | RECURRENCE))
    return MUON_COST if steps <= MUON_STEPS or is_sequential else MUON_COST_LONG


def _optimizer(facts: RunFacts) -> Decision:
    if not _suits_muon(facts):
        return facts.decide(
            "optimizer", "adamw", "the usual choice, except for classifiers with convolutions, recurrence or attention"
        )
    cost = _muon_cost(facts)
    measured = f"{facts.steps:,} steps; muon's update multiplies {cost:.2g} times as much as the step without it"
    if cost <= most_muon_cost(facts.net, facts.steps):
        few = f"{facts.steps:,} steps are few, and " if facts.steps <= MUON_STEPS else ""
        why = f"{few}muon's orthogonal updates make the most of each step at little cost"
        return facts.decide("optimizer", "muon", why, measured=measured)
    other = _other_optimizer(facts)
    kind = "recurrence or attention" if other == "adamw" else "a convolutional classifier"
    why = f"{kind}, with matrices for which muon's update costs too much"
    return facts.decide("optimizer", other, why, measured=measured)


def _suits_muon(facts: RunFacts) -> bool:
    return facts.is_classification and (facts.has_convolutions or facts.has_attention or facts.has_recurrence)


def _other_optimizer(facts: RunFacts) -> str:
    return "adamw" if facts.has_attention or facts.has_recurrence else "sgd"


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
    elif optimizer == "adamw" and facts.is_ensemble:
        decay = ENSEMBLE_DECAY
    elif optimizer == "adamw" and facts.is_table_like and facts.is_classification:
        decay = SMALL_TABLE_DECAY if len(facts.dataset.train) < _SMALL_TABLE else TABLE_DECAY
        why = f"{why}; more for few samples, which are soon learnt by heart"
    return facts.decide("weight_decay", decay, why)
