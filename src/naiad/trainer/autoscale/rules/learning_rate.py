"""Rules for the peak of the learning rate, by optimizer, steps and width of the network."""

import math

from naiad.trainer.autoscale.network_facts import hidden_width
from naiad.trainer.autoscale.rules.decision import Decision
from naiad.trainer.autoscale.rules.run_facts import RunFacts
from naiad.trainer.optim.muon import hidden_weights

MUON_RATE, MUON_RATE_STEPS = 0.03, 500
"""Muon's peak in a run of up to so many steps."""
MUON_SIDE, MUON_SIDE_MOST = 256, 2_048
"""The larger side of a matrix that bears that peak in a longer run, and the largest that was tried."""
ENSEMBLE_RATE = 2e-3
"""AdamW's peak for a network of members, as in TabM's examples (Gorishniy et al. 2024, arXiv 2410.24210)."""
TABLE_RATE = 0.01
"""AdamW's peak for 100 steps on a table, in a network of 64 units a layer."""
_TABLE_LOWEST, _TABLE_HIGHEST = 1e-3, 0.02
_LINEAR_REACH, _LINEAR_HIGHEST = 3.0, 0.1
"""Steps × peak at which AdamW moves a weight by about one under a one-cycle schedule: a linear model has to get that far."""


def choose_learning_rate(facts: RunFacts, optimizer: str) -> Decision:
    if optimizer == "sgd":
        return facts.decide("learning_rate", 0.1, "the usual peak for sgd at this batch size")
    if optimizer == "muon":
        return facts.decide("learning_rate", round(_muon_rate(facts), 4), "muon's usual peak; lower in longer runs")
    if facts.is_ensemble:
        return facts.decide("learning_rate", ENSEMBLE_RATE, "the usual peak for a network of members")
    if facts.is_table_like:
        why = "few samples: higher for fewer steps, lower for wider networks"
        return facts.decide("learning_rate", round(_table_rate(facts), 5), why)
    return facts.decide("learning_rate", 3e-3, f"the usual peak for {optimizer}")


def _muon_rate(facts: RunFacts) -> float:
    """Lower in longer runs, and the lower the larger the matrices: torch scales the update so that its largest singular value
    grows with the square root of the larger side.
    """
    longer = max(1.0, facts.steps / MUON_RATE_STEPS)
    side = max((max(weight.flatten(1).shape) for weight in hidden_weights(facts.net)), default=1)
    narrow = math.sqrt(MUON_SIDE / min(MUON_SIDE_MOST, max(MUON_SIDE, side)))
    return MUON_RATE * max(1 / 3, math.sqrt(1 / longer)) * math.pow(narrow, min(1.0, math.log(longer, 4)))


def _table_rate(facts: RunFacts) -> float:
    shorter = 100 / facts.steps
    if facts.is_classification:  # noise in values harms a long run more than noise in classes does
        shorter = math.sqrt(shorter)
    width = hidden_width(facts.net)
    rate = min(_TABLE_HIGHEST, max(_TABLE_LOWEST, TABLE_RATE * shorter * math.sqrt(64 / max(64, width))))
    return rate if width else max(rate, min(_LINEAR_HIGHEST, _LINEAR_REACH / facts.steps))
