"""Threads: a small network is faster on one than on several that wait for each other."""

from naiad.trainer.autoscale.fastest import fastest
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.machine import device as machine
from naiad.trainer.plan.plan import Plan


def choose(plan: Plan, measuring: Measuring) -> Plan:
    if plan.device != "cpu":
        return plan
    cores = machine.usable_cores()
    counts = dict.fromkeys((plan.threads, cores, cores // 2, 1))
    values = tuple(count for count in counts if count >= 1)
    return fastest(plan, "threads", values, "the fastest number of threads", measuring)
