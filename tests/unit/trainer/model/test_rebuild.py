"""Programs, built again from the tensors of an artifact."""

import pytest
import torch
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.artifact.program import BlendHead, CentroidHead, ProbabilityHead, Program, RescaleHead, SoftmaxHead
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema
from naiad.trainer.model import rebuild
from naiad.trainer.model.model import Model
from naiad.trainer.nets.network_output import eval_logits
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.nets.registry import create_network, list_networks

SHAPES = {"simplenet": (1, 28, 28), "net": (3, 32, 32), "residual": (1, 8, 8), "conv-autoencoder": (1, 8, 8)}
SCORES = torch.tensor([[0.2, 0.7], [0.5, 0.4]])


def model_of(plan, task, network=None):
    return Model(
        nn.Identity(), task, ArraySchema((3,)), ("a", "b"), "y", plan, network or NetworkSource("X", registered=False)
    )


def parts_of(program):
    names = ("features", "net", "head")
    return {name: getattr(program, name).state_dict() for name in names}


@pytest.mark.parametrize(
    ("head", "task", "output"),
    [
        (SoftmaxHead(2.0), Task.CLASSIFICATION, "logits"),
        (BlendHead(torch.tensor([0.4, 0.6])), Task.CLASSIFICATION, "logits"),
        (ProbabilityHead(eval_logits("softmax")), Task.CLASSIFICATION, "softmax"),
        (ProbabilityHead(eval_logits("sigmoid")), Task.CLASSIFICATION, "sigmoid-in-eval"),
        (RescaleHead(3.0, 2.0), Task.REGRESSION, "logits"),
        (RescaleHead(3.0, 2.0, dtype=torch.float64), Task.REGRESSION, "logits"),
        (CentroidHead(torch.randn(4, 2)), Task.CLUSTERING, "logits"),
    ],
)
def test_heads_give_what_they_gave(plan, head, task, output):
    model = model_of(plan(network_output=output), task)
    parts = parts_of(Program(ArrayFeatures(torch.ones(3), torch.ones(3)), nn.Identity(), head))
    features, again = rebuild.features_and_head(model, parts)
    assert (type(features), type(again)) == (ArrayFeatures, type(head))
    torch.testing.assert_close(again(SCORES), head(SCORES), rtol=0, atol=0)


def test_a_head_of_another_task_is_not_known(plan):
    parts = parts_of(Program(nn.Identity(), nn.Identity(), SoftmaxHead()))
    for task in (Task.REGRESSION, Task.CLUSTERING):
        assert rebuild.features_and_head(model_of(plan(), task), parts)[1] is None
    other = {**parts, "head": {"temperature": torch.ones(3)}}
    assert rebuild.features_and_head(model_of(plan(), Task.CLASSIFICATION), other)[1] is None


@pytest.mark.parametrize("name", [entry.name for entry in list_networks() if entry.family != "torchvision"])
def test_each_network_of_ours_is_built_again(plan, name):
    arguments = {"input_shape": SHAPES.get(name, (3,)), "outputs": 2}
    network = NetworkSource(name, registered=True, arguments=arguments)
    is_clustering = "autoencoder" in name
    model = model_of(plan(), Task.CLUSTERING if is_clustering else Task.CLASSIFICATION, network)
    net = create_network(name, **arguments).eval()
    head = CentroidHead(torch.randn(4, 2)) if is_clustering else SoftmaxHead()
    weights = {(f"autoencoder.{key}" if is_clustering else key): value for key, value in net.state_dict().items()}
    parts = {"features": {}, "net": weights, "head": head.state_dict()}
    again = rebuild.join_program(model, nn.Identity(), rebuild.create_registered(model, parts), head, parts)
    inner = again.net.autoencoder if is_clustering else again.net
    raw = torch.randn(2, *arguments["input_shape"])
    torch.testing.assert_close(inner(raw), net(raw), rtol=0, atol=0)
    with pytest.raises(NetworkError, match=f"{name} does not fit"):
        rebuild.create_registered(model, {**parts, "net": {"other": torch.ones(1)}})
