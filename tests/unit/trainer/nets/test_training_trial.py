"""A trial step in training mode: what only fails there, and that nothing stays of it."""

import threading

import pytest
import torch
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.nets.training_trial import try_training

INPUTS = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
SHAPE = torch.Size((2, 3))


class InTraining(nn.Module):
    """A linear layer whose output goes through a function in training mode."""

    def __init__(self, function):
        super().__init__()
        self.out = nn.Linear(4, 3)
        self.function = function

    def forward(self, inputs):
        outputs = self.out(inputs)
        return self.function(outputs) if self.training else outputs


class Staircase(torch.autograd.Function):
    """A function without a backward pass."""

    @staticmethod
    def forward(ctx, inputs):
        return inputs.round()


def fail(outputs):
    raise RuntimeError("it takes\ntargets")


def overwrite(outputs):
    squared = outputs.exp()
    result = squared * squared
    squared.zero_()
    return result


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x, x), "gives a tuple in training mode, and one tensor otherwise"),
        (lambda x: {"logits": x, "loss": x.sum()}, "gives a dict in training mode"),
        (lambda x: x[:, :2], r"gives shape \(2, 2\) in training mode, and \(2, 3\) otherwise"),
        (lambda x: x.sum(), r"gives shape \(\) in training mode"),
        (lambda x: x.detach(), "no gradient goes through the output"),
        (lambda x: torch.from_numpy(x.detach().numpy()), "no gradient goes through the output"),
        (lambda x: torch.zeros_like(x).requires_grad_(), "no gradient reaches the 2 parameters"),
        (fail, "fails in training mode: it takes targets"),
        (overwrite, "has no gradients: .*modified by an inplace operation"),
        (Staircase.apply, "has no gradients"),
    ],
)
def test_a_network_that_cannot_be_trained_is_an_error(function, message):
    with pytest.raises(NetworkError, match=message) as caught:
        try_training(InTraining(function), INPUTS, shape=SHAPE)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_parameters_that_no_gradient_reaches_are_named():
    net = nn.Sequential(nn.Linear(4, 3))
    net.add_module("unused", InTraining(lambda x: x))
    net.forward = net[0].forward
    trial = try_training(net, INPUTS, shape=SHAPE)
    assert trial.unreached == ("unused.out.weight", "unused.out.bias")


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (lambda x: x.softmax(1), "Softmax"),
        (lambda x: x.sigmoid().view(2, 3).squeeze(), "Sigmoid"),
        (lambda x: x.relu().clone(), "Relu"),
        (lambda x: x * 2, "Mul"),
    ],
)
def test_the_last_operation_is_found_behind_views(function, operation):
    trial = try_training(InTraining(function), INPUTS, shape=SHAPE)
    assert trial.operation.startswith(operation)
    assert trial.eval_operation.startswith("Addmm")


def test_too_few_samples_for_batchnorm_are_no_outcome():
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    assert try_training(net, INPUTS[:1], shape=torch.Size((1, 3))) is None
    assert try_training(net, INPUTS, shape=SHAPE) is not None


class Restless(nn.Module):
    """A network in which all that a forward pass can change changes."""

    def __init__(self, *, copyable):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.out = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3))
        self.dropout = nn.Dropout(0.5)
        self.generator = torch.Generator().manual_seed(1)
        self.steps = 0
        self.last = torch.zeros(4)
        self.register_buffer("average", torch.zeros(4))
        if not copyable:
            self.lock = threading.Lock()

    def forward(self, inputs):
        self.steps += 1
        self.average = 0.9 * self.average + inputs.mean(0).detach()
        self.last.copy_(inputs[0])
        noise = torch.randn(inputs.shape, generator=self.generator)
        return self.out(self.dropout(self.norm(inputs + noise)))


def state_of(net):
    tensors = [*net.state_dict().values(), net.last, net.generator.get_state(), torch.get_rng_state()]
    return [tensor.clone() for tensor in tensors], net.steps, [module.training for module in net.modules()]


@pytest.mark.parametrize("copyable", [True, False])
def test_nothing_stays_of_a_trial(copyable):
    net = Restless(copyable=copyable)
    net.norm.eval()
    net(INPUTS).sum().backward()
    net.out.bias.grad.fill_(3)
    before, steps, modes = state_of(net)
    average, tensors = net.average, [id(parameter) for parameter in net.parameters()]
    assert try_training(net, INPUTS, shape=SHAPE).output.shape == SHAPE
    after = state_of(net)
    assert all(torch.equal(one, other) for one, other in zip(before, after[0], strict=True))
    assert after[1:] == (steps, modes)
    assert net.average is average
    assert [id(parameter) for parameter in net.parameters()] == tensors
    assert net.out.bias.grad.eq(3).all()
