"""Networks: the families that have a name, and the user's own.

Knows shapes, layers and where a network came from; knows nothing of training.
"""

from naiad.trainer.nets.check import check_forward_pass, check_single_sample, is_batchnorm_size_error
from naiad.trainer.nets.network_input import describe_network_input
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.nets.registry import NetworkEntry, create_network, list_networks
from naiad.trainer.nets.resolve import resolve_network

__all__ = [
    "NetworkEntry",
    "NetworkSource",
    "check_forward_pass",
    "check_single_sample",
    "create_network",
    "describe_network_input",
    "is_batchnorm_size_error",
    "list_networks",
    "resolve_network",
]
