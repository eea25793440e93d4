"""Networks: the families that have a name, and the user's own.

Knows shapes, layers and where a network came from; knows nothing of training.
"""

from naiad.trainer.nets.check import check_single_sample, try_network
from naiad.trainer.nets.network_input import describe_network_input
from naiad.trainer.nets.network_report import NetworkReport
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.nets.registry import NetworkEntry, create_network, list_networks
from naiad.trainer.nets.resolve import resolve_network
from naiad.trainer.nets.training_trial import is_batchnorm_size_error
from naiad.trainer.nets.wrappers import UnwrappedNetwork, unwrap_network

__all__ = [
    "NetworkEntry",
    "NetworkReport",
    "NetworkSource",
    "UnwrappedNetwork",
    "check_single_sample",
    "create_network",
    "describe_network_input",
    "is_batchnorm_size_error",
    "list_networks",
    "resolve_network",
    "try_network",
    "unwrap_network",
]
