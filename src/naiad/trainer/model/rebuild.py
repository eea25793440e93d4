"""Builds a program around a network from the tensors of an artifact. Nothing of the artifact is evaluated."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from naiad.trainer.artifact import files
from naiad.trainer.artifact.program import (
    BlendHead,
    CentroidHead,
    Encoder,
    ProbabilityHead,
    Program,
    RescaleHead,
    SoftmaxHead,
)
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features.stored import features_from_tensors
from naiad.trainer.model.model import Model
from naiad.trainer.nets.blueprint import create_blueprint
from naiad.trainer.nets.network_output import eval_logits
from naiad.trainer.nets.registry import create_network

Parts = Mapping[str, Mapping[str, Tensor]]
"""Weights of an artifact as ``files.read_parts`` returns them."""


def features_and_head(model: Model, parts: Parts) -> tuple[nn.Module | None, nn.Module | None]:
    """Returns both ends of the program, each None where the tensors are not those of one that this version knows."""
    return features_from_tensors(model.schema, parts["features"]), _head_from_tensors(model, parts["head"])


def join_program(model: Model, features: nn.Module, net: nn.Module, head: nn.Module, parts: Parts) -> Program:
    """Returns the program with the artifact's weights in ``net``. Raises NetworkError where they do not fit."""
    network = files.load_weights_into(net, parts["net"], as_encoder=model.task is Task.CLUSTERING)
    return Program(features, network, head).eval()


def create_registered(model: Model, parts: Parts) -> nn.Module:
    """Returns a new network of the registry, as the artifact describes it. Raises NetworkError, OptionError.

    Its layers are compared with the weights before they take memory: an artifact may describe anything.
    """
    name, arguments = model.network.name, model.network.arguments
    blueprint = create_blueprint(name, arguments)
    files.check_fit(Encoder(blueprint) if model.task is Task.CLUSTERING else blueprint, parts["net"], name=name)
    return create_network(name, **arguments)


def _head_from_tensors(model: Model, tensors: Mapping[str, Tensor]) -> nn.Module | None:
    head = _blank_head(model, tensors)
    state = {} if head is None else head.state_dict()
    if head is None or state.keys() != tensors.keys():
        return None
    if any(state[name].shape != tensors[name].shape or state[name].dtype != tensors[name].dtype for name in state):
        return None
    head.load_state_dict(dict(tensors))
    return head.eval()


def _blank_head(model: Model, tensors: Mapping[str, Tensor]) -> nn.Module | None:
    match model.task:
        case Task.REGRESSION if "mean" in tensors:
            return RescaleHead(0.0, 1.0, dtype=tensors["mean"].dtype)
        case Task.CLUSTERING if "centres" in tensors:
            return CentroidHead(torch.zeros_like(tensors["centres"]))
        case Task.CLASSIFICATION:
            to_logits = eval_logits(model.plan.network_output)
            if to_logits is not None:
                return ProbabilityHead(to_logits)
            return BlendHead(torch.zeros_like(tensors["prior"])) if "prior" in tensors else SoftmaxHead()
    return None
