"""``fit`` with networks of all sorts: probabilities at the end, wrappers, and what is saved of them."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from torch import nn

from naiad.errors import NetworkError, OptionError
from naiad.trainer.artifact.files import load_weights_into
from naiad.trainer.fit import fit
from naiad.trainer.load import load
from naiad.trainer.loop.progress import SilentProgress

X, Y = load_iris(return_X_y=True)
X = X.astype(np.float32)
PLAN = {"optimizer": "adamw", "learning_rate": 0.02, "device": "cpu", "measure_fraction": 0.0}


def make_net(*end):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3), *end)


class SoftmaxInEval(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = make_net()

    def forward(self, inputs):
        return self.body(inputs) if self.training else self.body(inputs).softmax(1)


def train(net, data=(X, Y), plan=None, **options):
    return fit(net, data, epochs=8, plan={**PLAN, **(plan or {})}, progress=SilentProgress(), report=False, **options)


@pytest.mark.parametrize(
    ("make", "output"),
    [
        (lambda: make_net(nn.Softmax(1)), "softmax"),
        (SoftmaxInEval, "softmax-in-eval"),
        (lambda: make_net(nn.LogSoftmax(1)), "logits"),
        (lambda: make_net(nn.Sigmoid()), "sigmoid"),
    ],
)
def test_probabilities_are_learnt_as_logits_are(make, output):
    logits, model = train(make_net()), train(make())
    assert model.plan.network_output == output
    assert [item.kind for item in model.findings.items].count("network-output") == (output != "logits")
    np.testing.assert_allclose(model.predict(X).scores, logits.predict(X).scores, atol=0.01)
    assert model.evaluations["validation"]["loss"] == pytest.approx(logits.evaluations["validation"]["loss"], abs=0.01)


def test_probabilities_are_saved_with_what_turns_them_back(tmp_path):
    model = train(make_net(nn.Softmax(1)), out=tmp_path / "run")
    scores = model.predict(X).scores
    for loaded in (load(tmp_path / "run"), load(tmp_path / "run", net=make_net(nn.Softmax(1)))):
        np.testing.assert_allclose(loaded.predict(X).scores, scores, atol=1e-6)


def test_what_was_found_can_be_overruled():
    model = train(make_net(nn.Softmax(1)), plan={"network_output": "logits"})
    assert model.plan.network_output == "logits"
    assert model.plan.is_set_by_user("network_output")
    with pytest.raises(OptionError, match="network_output is softmax, but the task is regression"):
        train(nn.Linear(4, 1), (X, X[:, 0]), plan={"network_output": "softmax"})


def test_a_followed_plan_says_what_the_network_gives():
    first = train(make_net(nn.Softmax(1)), plan={"network_output": "logits"})
    again = fit(make_net(nn.Softmax(1)), (X, Y), plan=first.plan, progress=SilentProgress(), report=False)
    assert np.array_equal(again.predict(X).scores, first.predict(X).scores)


def compiled(net):
    return torch.compile(net, backend="eager")


@pytest.mark.parametrize("wrap", [nn.DataParallel, compiled])
def test_a_wrapped_network_is_trained_as_what_it_wraps(wrap):
    net, plain = make_net(), train(make_net())
    model = train(wrap(net))
    assert model.program.net is net
    assert model.network.name == "Sequential"
    assert "network-wrapper" in [item.kind for item in model.findings.items]
    np.testing.assert_allclose(model.predict(X).scores, plain.predict(X).scores, atol=1e-5)


class PartlyCompiled(nn.Module):
    def __init__(self, wrap=compiled):
        super().__init__()
        self.body = wrap(make_net())

    def forward(self, inputs):
        return self.body(inputs)


def test_a_compiled_part_is_saved_as_what_it_wraps(tmp_path):
    model = train(PartlyCompiled(lambda net: net), out=tmp_path / "run")
    scores = model.predict(X).scores
    loaded = load(tmp_path / "run", net=PartlyCompiled())
    loaded.program.net.body = loaded.program.net.body._orig_mod  # the same numbers, without seconds of compiling
    assert np.array_equal(loaded.predict(X).scores, scores)
    assert load(tmp_path / "run").predict(X).labels.tolist() == model.predict(X).labels.tolist()


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod."])
def test_weights_that_hold_a_wrappers_names_are_read(prefix):
    source = make_net()
    weights = {prefix + name: value for name, value in source.state_dict().items()}
    net = load_weights_into(make_net(), {name: value + 1 for name, value in weights.items()}, as_encoder=False)
    assert all(torch.equal(one, two + 1) for one, two in zip(net.parameters(), source.parameters(), strict=True))


def test_a_loaded_model_can_be_pickled(tmp_path):
    model = train("mlp", out=tmp_path / "run")
    for loaded in (load(tmp_path / "run"), load(tmp_path / "run", module=True)):
        again = pickle.loads(pickle.dumps(loaded))
        assert np.array_equal(again.predict(X).scores, loaded.predict(X).scores)
        np.testing.assert_allclose(again.predict(X).scores, model.predict(X).scores, atol=1e-6)
    assert (again.classes, again.plan, again.path) == (model.classes, model.plan, model.path)


class Auxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.out, self.other = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, inputs):
        return (self.out(inputs), self.other(inputs)) if self.training else self.out(inputs)


def test_a_network_that_cannot_be_trained_leaves_no_trace(tmp_path):
    with pytest.raises(NetworkError, match="Auxiliary gives a tuple in training mode"):
        train(Auxiliary(), out=tmp_path / "run")
    assert not list(tmp_path.iterdir())
