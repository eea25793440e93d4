"""Feed: how many threads decode the images of a stream.

Decoding shares the cores with the step and waits for a disk, so whole steps are timed, each with its batch read ahead.
"""

from naiad.trainer.autoscale.fastest import choose_fastest
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.data.loading import can_decode_in_parallel
from naiad.trainer.machine import device


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    if not can_decode_in_parallel(setup.probe.split.samples):
        return timed
    values = tuple(dict.fromkeys((timed.plan.feed_workers, 1, 2 * device.usable_cores())))
    return choose_fastest(timed, "feed_workers", values, "the fastest number of decoding threads", setup)
