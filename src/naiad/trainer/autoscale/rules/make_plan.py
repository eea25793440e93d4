"""The plan by rules: each choice that the user left out, with the reason for its value.

Rules only, no timing: the same machine, network and data give the same plan every time. Whether a number format agrees is checked
on a copy of the network, so the run itself is not touched.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from naiad.errors import OptionError
from naiad.trainer.autoscale.rules.data import choose_data
from naiad.trainer.autoscale.rules.decision import Decision
from naiad.trainer.autoscale.rules.final_model import choose_final_model
from naiad.trainer.autoscale.rules.length import choose_length
from naiad.trainer.autoscale.rules.machine import choose_machine
from naiad.trainer.autoscale.rules.optimizer import choose_optimizer
from naiad.trainer.autoscale.rules.regularisation import choose_regularisation
from naiad.trainer.autoscale.rules.run_facts import RunFacts
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.plan.overrides import check_overrides, fixed_values
from naiad.trainer.plan.plan import CHOICES, Plan


def make_plan(
    net: nn.Module,
    dataset: Dataset,
    overrides: Mapping[str, Any],
    *,
    seed: int,
    steps: int | None = None,
    network_output: str = "logits",
) -> Plan:
    """Keeps the overrides that have a value, and chooses the rest.

    steps: how many there is time for, where a time limit and not the epochs decides. network_output: what a trial of the network
    gave. Raises OptionError.
    """
    values = fixed_values(check_overrides(overrides))
    length = choose_length(net, dataset, values)
    by_name = {decision.name: decision.value for decision in length}
    steps = by_name["total_steps"] if steps is None else steps
    facts = RunFacts(net, dataset, values, by_name["batch_size"], steps)
    return _plan_of(
        [
            *length,
            *choose_optimizer(facts),
            *choose_regularisation(facts),
            *choose_final_model(facts),
            *choose_data(facts),
            *choose_machine(facts),
            _network_output(facts, network_output),
            *_start_of_run(facts, seed),
        ]
    )


def _network_output(facts: RunFacts, found: str) -> Decision:
    if facts.is_classification:
        why = "a trial step gave no probabilities" if found == "logits" else "a trial step gave probabilities"
        return facts.decide("network_output", found, why)
    if facts.overrides.get("network_output", "logits") != "logits":
        raise OptionError(
            f"network_output is {facts.overrides['network_output']}, but the task is {facts.dataset.task}",
            hint="leave network_output out: only a classifier gives probabilities",
        )
    return facts.decide("network_output", "logits", "only a classifier gives probabilities")


def _start_of_run(facts: RunFacts, seed: int) -> list[Decision]:
    """The state of the run at its start, which the plan holds too."""
    return [
        facts.decide("seed", seed, "the same seed gives the same run"),
        facts.decide("measure_fraction", 0.05, "the largest fraction of the run's time that measuring may take"),
        facts.decide("schedule_adjustments", (), "the run adds adjustments where it has a time limit"),
        facts.decide("microbatch_history", (), "the run adds changes where memory runs out"),
    ]


def _plan_of(decisions: list[Decision]) -> Plan:
    by_name = {decision.name: decision for decision in decisions}
    values = {name: by_name[name].value for name in CHOICES}
    return Plan(**values, reasons=tuple((name, by_name[name].reason) for name in CHOICES))
