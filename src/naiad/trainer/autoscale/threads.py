"""Threads: a small network is faster on one than on several that wait for each other."""

from naiad.trainer.autoscale.fastest import choose_fastest
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.machine import device


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    if timed.plan.device != "cpu":
        return timed
    cores = device.usable_cores()
    counts = dict.fromkeys((timed.plan.threads, cores, cores // 2, 1))
    values = tuple(count for count in counts if count >= 1)
    return choose_fastest(timed, "threads", values, "the fastest number of threads", setup)
