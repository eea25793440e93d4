"""Rules for the machine: device, threads, memory layout, number format, compilation."""

import math

from torch import nn

from naiad.trainer.autoscale.network_facts import bf16_difference, is_depthwise
from naiad.trainer.autoscale.rules.decision import Decision
from naiad.trainer.autoscale.rules.run_facts import RunFacts
from naiad.trainer.machine import device as hardware

SMALL_STEP = 2e7
"""Multiplications of a step that one core has done before several have agreed on who does what."""
_MOST_BF16_DIFFERENCE = 0.05


def choose_machine(facts: RunFacts) -> list[Decision]:
    device = facts.decide("device", hardware.best_device(), "the fastest that torch finds here")
    threads = _threads(facts, device.value)
    has_images = any(isinstance(module, nn.Conv2d) for module in facts.net.modules())
    why = "convolutions run along channels" if has_images else "no two-dimensional convolutions"
    return [
        device,
        threads,
        facts.decide("memory_format", "channels_last" if has_images else "contiguous", why),
        _precision(facts, device.value, has_images=has_images),
        facts.decide("compile", "off", "compiling takes longer than it saves, unless it is measured to be faster"),
    ]


def _threads(facts: RunFacts, device: str) -> Decision:
    # torch counts no multiplications in an LSTM or a GRU.
    is_counted = device == "cpu" and not facts.is_clustering and not facts.has_recurrence
    multiplications = facts.step_multiplications if is_counted else math.inf
    if multiplications < SMALL_STEP:
        measured = f"{multiplications:.2g} multiplications a step"
        return facts.decide("threads", 1, "a step is too small to be shared among cores", measured=measured)
    cores = hardware.usable_cores()
    return facts.decide("threads", cores, f"{cores} cores may be used; a resumed run uses as many")


def _precision(facts: RunFacts, device: str, *, has_images: bool) -> Decision:
    if not hardware.has_bf16(device):
        return facts.decide("precision", "fp32", f"this {device} has no bf16 units")
    if not has_images:
        return facts.decide("precision", "fp32", "small matrices gain nothing from bf16")
    if device == "cpu" and any(map(is_depthwise, facts.net.modules())):
        return facts.decide("precision", "fp32", "depthwise convolutions take twice as long in bf16 on a CPU")
    difference = bf16_difference(facts.net, facts.dataset)
    measured = f"relative difference {difference:.1e}"
    if difference < _MOST_BF16_DIFFERENCE:
        why = "the processor has bf16 units, and the results agree with fp32"
        return facts.decide("precision", "bf16", why, measured=measured)
    return facts.decide("precision", "fp32", "bf16 does not agree with fp32 on this network", measured=measured)
