from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.errors import NetworkError, OptionError
from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.nets import check_network, check_single_sample, resolve
from naiad.trainer.nets.guide import Net, SimpleNet


class Gives(nn.Module):
    """Whatever the function makes of its input."""

    def __init__(self, function):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.function = function

    def forward(self, inputs):
        return self.function(inputs * self.weight)


class NoEmbedding(Gives):
    def encode(self, inputs):
        return inputs.sum()


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("shape", [(6,), (1, 8, 8)])
def test_a_chosen_network_passes(data, task, shape):
    dataset = data(shape, task=task)
    check_network(resolve(None, dataset=dataset)[0], dataset)


def test_regression_takes_flat_values(data):
    check_network(Gives(lambda inputs: inputs[:, 0]), data((6,), task=Task.REGRESSION))


@pytest.mark.parametrize(
    ("net", "shape", "task", "message"),
    [
        (SimpleNet(7), (1, 28, 28), Task.CLASSIFICATION, "SimpleNet gives shape (B, 7), the 10 classes need (B, 10)"),
        (Net(), (1, 28, 28), Task.CLASSIFICATION, "the data has shape (B, 1, 28, 28), its first layer is Conv2d(3, 32"),
        (SimpleNet(), (1, 32, 32), Task.CLASSIFICATION, "the data has shape (B, 1, 32, 32)"),
        (nn.Linear(5, 10), (6,), Task.CLASSIFICATION, "which takes (B, 5)"),
        (Gives(lambda x: (x, x)), (10,), Task.CLASSIFICATION, "must give one tensor, it gave a tuple"),
        (
            Gives(lambda x: x.argmax(1)),
            (10,),
            Task.CLASSIFICATION,
            "must give floating-point numbers, it gave torch.int64",
        ),
        (Gives(lambda x: x.sum()), (10,), Task.CLASSIFICATION, "gives shape ()"),
        (Gives(lambda x: x / 0), (10,), Task.CLASSIFICATION, "NaN or infinite"),
        (nn.Linear(6, 2), (6,), Task.REGRESSION, "gives shape (B, 2), regression needs (B, 1)"),
        (nn.Linear(6, 2), (6,), Task.CLUSTERING, "clustering needs its input back: (B, 6)"),
        (nn.Linear(6, 6), (6,), Task.CLUSTERING, "has no encode(x)"),
        (NoEmbedding(lambda x: x), (6,), Task.CLUSTERING, "NoEmbedding.encode gives shape ()"),
        (nn.Flatten(), (10,), Task.CLASSIFICATION, "it has no parameters"),
        (nn.Linear(6, 10).requires_grad_(False), (6,), Task.CLASSIFICATION, "all of its parameters are frozen"),
    ],
)
def test_what_does_not_meet_is_told(data, net, shape, task, message):
    with pytest.raises(NetworkError) as caught:
        check_network(net, data(shape, task=task))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_left_changed(data):
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Dropout(0.5), nn.Linear(64, 10))
    net[1].eval()
    weights = {name: value.clone() for name, value in net.state_dict().items()}
    dataset = data((1, 8, 8))
    random = torch.get_rng_state()
    check_network(net, dataset)
    assert net.training
    assert not net[1].training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, weights[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_sparse_gradients_are_refused_before_a_step_fails(data, kind):
    net = nn.Sequential(nn.Linear(6, 10))
    net.add_module("words", kind(10, 4, sparse=True))
    with pytest.raises(NetworkError, match="sparse gradients in words") as error:
        check_network(net, data((6,), task=Task.CLASSIFICATION))
    assert error.value.hint == f"make the {kind.__name__} with sparse=False"


def test_lazy_layers_are_made_by_the_check(data):
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(10))
    check_network(net, data((1, 8, 8)))
    assert net[1].num_features == 4
    assert torch.equal(net[1].running_mean, torch.zeros(4))
    assert net.training


def test_a_sample_alone_is_told_where_batchnorm_needs_two(data):
    net, dataset = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 10)), data((6,))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(OptionError, match="Sequential cannot train on a sample alone"):
        check_single_sample(net, dataset)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    check_single_sample(nn.Linear(6, 10), dataset)
    pixels = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 10))
    check_single_sample(pixels, data((1, 8, 8)))  # a sample's pixels are many


def test_one_sample_is_enough(data):
    dataset = data((6,))
    only = Split(TensorSamples(torch.randn(1, 6)), torch.zeros(1, dtype=torch.int64), ["index 0"])
    check_network(nn.Linear(6, 10), replace(dataset, train=only))
