"""Check of a network before training."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.errors import NetworkError, OptionError
from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.nets import check_single_sample, resolve_network, try_network
from naiad.trainer.nets.guide import Net, SimpleNet


class Apply(nn.Module):
    """Applies a function to its input."""

    def __init__(self, function):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.function = function

    def forward(self, inputs):
        return self.function(inputs * self.weight)


class NoEmbedding(Apply):
    def encode(self, inputs):
        return inputs.sum()


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("shape", [(6,), (1, 8, 8)])
def test_the_default_network_passes(data, task, shape):
    dataset = data(shape, task=task)
    try_network(resolve_network(None, dataset=dataset)[0], dataset)


def test_regression_takes_flat_values(data):
    try_network(Apply(lambda inputs: inputs[:, 0]), data((6,), task=Task.REGRESSION))


@pytest.mark.parametrize(
    ("net", "shape", "task", "message"),
    [
        (SimpleNet(7), (1, 28, 28), Task.CLASSIFICATION, "SimpleNet gives shape (B, 7), but 10 classes need (B, 10)"),
        (Net(), (1, 28, 28), Task.CLASSIFICATION, "the data has shape (B, 1, 28, 28), its first layer is Conv2d(3, 32"),
        (SimpleNet(), (1, 32, 32), Task.CLASSIFICATION, "the data has shape (B, 1, 32, 32)"),
        (nn.Linear(5, 10), (6,), Task.CLASSIFICATION, "which takes (B, 5)"),
        (Apply(lambda x: (x, x)), (10,), Task.CLASSIFICATION, "must give one tensor, but gave a tuple"),
        (
            Apply(lambda x: x.argmax(1)),
            (10,),
            Task.CLASSIFICATION,
            "must give floating-point numbers, but gave torch.int64",
        ),
        (Apply(lambda x: x.sum()), (10,), Task.CLASSIFICATION, "gives shape ()"),
        (Apply(lambda x: x / 0), (10,), Task.CLASSIFICATION, "NaN or infinite"),
        (nn.Linear(6, 2), (6,), Task.REGRESSION, "gives shape (B, 2), but regression needs (B, 1)"),
        (nn.Linear(6, 2), (6,), Task.CLUSTERING, "but clustering needs the input's: (B, 6)"),
        (nn.Linear(6, 6), (6,), Task.CLUSTERING, "has no encode(x)"),
        (NoEmbedding(lambda x: x), (6,), Task.CLUSTERING, "NoEmbedding.encode gives shape ()"),
        (nn.Flatten(), (10,), Task.CLASSIFICATION, "it has no parameters"),
        (nn.Linear(6, 10).requires_grad_(False), (6,), Task.CLASSIFICATION, "all of its parameters are frozen"),
    ],
)
def test_a_network_that_does_not_fit_is_an_error(data, net, shape, task, message):
    with pytest.raises(NetworkError) as caught:
        try_network(net, data(shape, task=task))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_network_stays_as_it_was(data):
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Dropout(0.5), nn.Linear(64, 10))
    net[1].eval()
    weights = {name: value.clone() for name, value in net.state_dict().items()}
    dataset = data((1, 8, 8))
    random_state = torch.get_rng_state()
    try_network(net, dataset)
    assert net.training
    assert not net[1].training
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(value, weights[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("layer_class", [nn.Embedding, nn.EmbeddingBag])
def test_sparse_gradients_are_an_error(data, layer_class):
    net = nn.Sequential(nn.Linear(6, 10))
    net.add_module("words", layer_class(10, 4, sparse=True))
    with pytest.raises(NetworkError, match="sparse gradients in words") as error:
        try_network(net, data((6,), task=Task.CLASSIFICATION))
    assert error.value.hint == f"make the {layer_class.__name__} with sparse=False"


def test_lazy_layers_are_initialised_by_the_check(data):
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(10))
    try_network(net, data((1, 8, 8)))
    assert net[1].num_features == 4
    assert torch.equal(net[1].running_mean, torch.zeros(4))
    assert net.training


def test_a_batch_of_one_sample_is_an_error_with_batchnorm(data):
    net, dataset = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 10)), data((6,))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(OptionError, match="Sequential cannot train on one sample at a time"):
        check_single_sample(net, dataset)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    check_single_sample(nn.Linear(6, 10), dataset)
    pixels = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 10))
    check_single_sample(pixels, data((1, 8, 8)))  # a sample has many pixels


def test_one_sample_is_enough(data):
    dataset = data((6,))
    only = Split(TensorSamples(torch.randn(1, 6)), torch.zeros(1, dtype=torch.int64), ["index 0"])
    try_network(nn.Linear(6, 10), replace(dataset, train=only))


def test_the_keys_of_a_dictionary_are_named(data):
    net = Apply(lambda inputs: {"logits": inputs, "loss": inputs.sum()})
    with pytest.raises(NetworkError, match="must give one tensor, but gave a dict with the keys logits, loss"):
        try_network(net, data((10,)))


class WithExtraState(nn.Linear):
    def get_extra_state(self):
        return {"words": ["a", "b"]}


def test_state_that_cannot_be_saved_is_an_error_before_the_run(data):
    with pytest.raises(NetworkError, match=r"keeps _extra_state \(dict\) in its state"):
        try_network(WithExtraState(6, 10), data((6,)))


class SoftmaxInEval(nn.Linear):
    def forward(self, inputs):
        logits = super().forward(inputs)
        return logits if self.training else logits.softmax(1)


class SoftmaxInTraining(nn.Linear):
    def forward(self, inputs):
        logits = super().forward(inputs)
        return logits.softmax(1) if self.training else logits


@pytest.mark.parametrize(
    ("net", "output"),
    [
        (nn.Linear(6, 10), "logits"),
        (nn.Sequential(nn.Linear(6, 10), nn.LogSoftmax(1)), "logits"),
        (nn.Sequential(nn.Linear(6, 10), nn.Softmax(1)), "softmax"),
        (nn.Sequential(nn.Linear(6, 10), nn.Sigmoid()), "sigmoid"),
        (SoftmaxInEval(6, 10), "softmax-in-eval"),
    ],
)
def test_probabilities_are_noticed_and_told(data, net, output):
    report = try_network(net, data((6,)))
    assert report.output == output
    assert [item.kind for item in report.findings.items] == ([] if output == "logits" else ["network-output"])


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (nn.Sequential(nn.Linear(6, 10), nn.Softmax(0)), "softmax over the samples of a batch"),
        (nn.Sequential(nn.Linear(6, 10), nn.LogSoftmax(0)), "softmax over the samples of a batch"),
        (SoftmaxInTraining(6, 10), "ends in a softmax in training mode and gives logits in eval mode"),
    ],
)
def test_outputs_that_make_no_sense_are_an_error(data, net, message):
    with pytest.raises(NetworkError, match=message):
        try_network(net, data((6,)))


@pytest.mark.parametrize(("end", "name"), [(nn.ReLU(), "a ReLU"), (nn.Sigmoid(), "a sigmoid"), (nn.Tanh(), "a tanh")])
def test_a_regression_that_cannot_give_every_value_is_told(data, end, name):
    items = try_network(nn.Sequential(nn.Linear(6, 1), end), data((6,), task=Task.REGRESSION)).findings.items
    assert [item.kind for item in items] == ["bounded-output"]
    assert f"ends in {name}" in items[0].message


def test_parameters_without_a_gradient_are_told(data):
    net = nn.Sequential(nn.Linear(6, 10))
    net.spare = nn.Linear(6, 10)
    net.forward = net[0].forward
    (item,) = try_network(net, data((6,))).findings.items
    assert (item.kind, item.count, item.examples) == ("no-gradient", 2, ("spare.weight", "spare.bias"))


@pytest.mark.parametrize("end", [nn.ReLU(), nn.Tanh(), nn.Hardtanh()])
def test_bounded_scores_of_classes_are_told(data, end):
    (item,) = try_network(nn.Sequential(nn.Linear(6, 10), end), data((6,))).findings.items
    assert (item.kind, "logits" in item.message) == ("bounded-output", True)


class Scaled(nn.Module):
    def __init__(self, end):
        super().__init__()
        self.out, self.end = nn.Linear(6, 1), end

    def forward(self, inputs):
        return self.end(self.out(inputs))


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (lambda value: 60 * value.sigmoid() - 5, "bounded-output"),
        (lambda value: -value.tanh() / 2, "bounded-output"),
        (lambda value: value * 4 + 250, "large-output"),
        (lambda value: value * 2 + 1, None),
    ],
)
def test_a_regression_that_scales_its_values_is_told(data, end, kind):
    items = try_network(Scaled(end), data((6,), task=Task.REGRESSION)).findings.items
    assert [item.kind for item in items] == ([] if kind is None else [kind])


class TwoInputs(nn.Linear):
    def forward(self, inputs, lengths):
        return super().forward(inputs)


@pytest.mark.parametrize(
    ("net", "hint"), [(nn.Linear(6, 10).double(), r"net\.float\(\)"), (TwoInputs(6, 10), "must take one tensor")]
)
def test_the_hint_fits_the_failure(data, net, hint):
    with pytest.raises(NetworkError, match="does not take the data") as caught:
        try_network(net, data((6,)))
    assert re.search(hint, caught.value.hint)


class Halves(nn.Linear):
    def forward(self, inputs):
        return super().forward(inputs.mul_(0.5))


def test_a_network_that_changes_its_input_in_place_passes(data):
    assert try_network(Halves(6, 10), data((6,))).findings.items == ()
