"""The input of a training job of Naiad's own algorithm: hyperparameters, data channels and the network."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from naiad.client.data_upload import is_path_or_uri
from naiad.client.job_network import JobNetwork, make_job_network
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.hyperparameters import to_hyperparameters

if TYPE_CHECKING:
    from torch import nn

_DATA_HYPERPARAMETERS = {"train": "data", "validation": "validation"}
"""Hyperparameter by channel: the trainer opens a data set that is given by its name, and needs no channel for it."""


@dataclass(frozen=True)
class JobInput:
    hyperparameters: Mapping[str, str]
    channels: Mapping[str, str | Path]
    """An s3:// URI or a local path by the channel's name."""
    network: JobNetwork


def make_job_input(net: "nn.Module | type[nn.Module] | str | None", data: str | Path, options: FitOptions) -> JobInput:
    """Raises InputError for what a job cannot be given."""
    network = make_job_network(net)
    sources = {"train": data, **({"validation": options.validation} if options.validation is not None else {})}
    channels = {channel: source for channel, source in sources.items() if is_path_or_uri(source)}
    names = {_DATA_HYPERPARAMETERS[channel]: str(sources[channel]) for channel in sources if channel not in channels}
    net_name = {} if network.hyperparameter is None else {"net": network.hyperparameter}
    return JobInput({**net_name, **to_hyperparameters(options), **names}, channels, network)


def default_job_name(net: "nn.Module | type[nn.Module] | str | None") -> str:
    """Returns the network's name with the time and two random bytes."""
    word = net if isinstance(net, str) else "auto" if net is None else getattr(net, "__name__", type(net).__name__)
    letters = word.rpartition(":")[2]
    clean = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in letters).strip("-")
    return f"{(clean or 'job')[:40]}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(2).hex()}"
