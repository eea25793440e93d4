"""Networks: the families that have a name, and the user's own.

Knows shapes, layers and where a network came from; knows nothing of training.
"""

from naiad.trainer.nets.check import check_network, check_single_sample, needs_more_samples
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.nets.registry import NetEntry, create, entries
from naiad.trainer.nets.resolve import resolve

__all__ = [
    "NetEntry",
    "NetworkSource",
    "check_network",
    "check_single_sample",
    "create",
    "entries",
    "needs_more_samples",
    "resolve",
]
