"""Feed: how many threads decode a stream's images.

Decoding shares the cores with the step, and waits for a disk: so whole steps are timed, each with its batch read ahead.
"""

from naiad.trainer.autoscale.fastest import fastest
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.data.loading import can_decode_in_parallel
from naiad.trainer.machine import device
from naiad.trainer.plan.plan import Plan


def choose(plan: Plan, measuring: Measuring) -> Plan:
    if not can_decode_in_parallel(measuring.bench.split.samples):
        return plan
    values = tuple(dict.fromkeys((plan.feed_workers, 1, 2 * device.usable_cores())))
    return fastest(plan, "feed_workers", values, "the fastest number of decoding threads", measuring)
