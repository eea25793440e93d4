"""Threads: a small network is faster on one than on several that wait for each other, most of all beside other programs.

Timed under the load that is there. The number stays in the plan, as the bits of a run depend on it.
"""

from naiad.trainer.autoscale.fastest import LEAST_ROUNDS, Rounds, choose_fastest
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.machine import device

ROUNDS = Rounds(LEAST_ROUNDS, warm_up=1, slowest=1.0)
"""Few, so that shorter runs afford them. The first step of a turn is not timed: OpenMP ends threads or begins them in it."""


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    """Raises BudgetError where there is not enough time."""
    if timed.plan.device != "cpu":
        return timed
    cores = device.usable_cores()
    counts = dict.fromkeys((timed.plan.threads, cores, cores // 2, 1))
    values = tuple(count for count in counts if count >= 1)
    why = "the fastest number of threads, beside what else runs here"
    return choose_fastest(timed, "threads", values, why, setup, rounds=ROUNDS)
