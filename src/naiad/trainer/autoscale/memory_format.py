"""Memory layout: channels_last where convolutions run faster through it."""

from torch import nn

from naiad.trainer.autoscale.fastest import fastest
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.plan.plan import Plan


def choose(plan: Plan, measuring: Measuring) -> Plan:
    if not any(isinstance(module, nn.Conv2d) for module in measuring.bench.net.modules()):
        return plan
    other = {"contiguous": "channels_last", "channels_last": "contiguous"}[plan.memory_format]
    return fastest(plan, "memory_format", (plan.memory_format, other), "the faster layout of the two", measuring)
