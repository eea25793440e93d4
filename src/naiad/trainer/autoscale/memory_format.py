"""Memory layout: channels_last where convolutions run faster through it."""

from torch import nn

from naiad.trainer.autoscale.fastest import choose_fastest
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    if not any(isinstance(module, nn.Conv2d) for module in setup.probe.net.modules()):
        return timed
    own = timed.plan.memory_format
    other = {"contiguous": "channels_last", "channels_last": "contiguous"}[own]
    return choose_fastest(timed, "memory_format", (own, other), "the faster layout of the two", setup)
