"""A pre-flight raises what ``fit`` would raise, and changes nothing outside the network."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

from naiad.errors import DataError, NetworkError, OptionError
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.preflight import preflight

GENERATOR = np.random.default_rng(0)
X = GENERATOR.random((400, 5)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(np.int64)


class Counting(nn.Module):
    """A perceptron that keeps the sizes of its training batches."""

    def __init__(self, inputs: int = 5) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, 2)
        self.trained: list[int] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training and torch.is_grad_enabled():
            self.trained.append(len(inputs))
        return self.linear(inputs)


class NonFinite(Counting):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs) / 0.0


def test_two_batches_are_trained_and_the_whole_runs_plan_is_returned():
    net = Counting()
    before = net.linear.weight.detach().clone()
    plan = preflight(net, (X, Y), FitOptions(epochs=50, plan={"batch_size": 32}))
    assert net.trained[-2:] == [32, 32]
    assert not torch.equal(before, net.linear.weight)
    assert (plan.epochs, plan.batch_size) == (50, 32)
    assert plan.total_steps > 2


def test_the_data_may_be_smaller_than_a_batch():
    preflight(Counting(), (X[:20], Y[:20]), FitOptions(plan={"batch_size": 512}))


@pytest.mark.parametrize(
    ("net", "options", "error", "message"),
    [
        (Counting(inputs=7), {}, NetworkError, "7"),
        ("no-such-net", {}, NetworkError, "no-such-net"),
        ("mlp", {"plan": {"batch_sise": 3}}, OptionError, "batch_sise"),
        ("mlp", {"plan": {"batch_size": -3}}, OptionError, "batch_size"),
        ("mlp", {"seed": -1}, OptionError, "seed"),
        ("mlp", {"epochs": 0}, OptionError, "epochs"),
        (NonFinite(), {}, NetworkError, "NaN"),
    ],
)
def test_an_input_that_fit_would_refuse_is_refused(net, options, error, message):
    with pytest.raises(error, match=message):
        preflight(net, (X, Y), FitOptions(**options))


def test_an_unknown_label_column_is_named(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("x,kind\n" + "\n".join(f"{n},{'ab'[n % 2]}" for n in range(60)) + "\n")
    with pytest.raises(DataError, match="kin"):
        preflight("mlp", table, FitOptions(label="kin"))
    preflight("mlp", table, FitOptions(label="kind"))


@pytest.mark.parametrize("task", ["regression", "clustering"])
def test_it_works_for_every_task(task):
    preflight(None, (X, X[:, 0] if task == "regression" else Y), FitOptions(task=task))


def test_random_numbers_and_threads_are_restored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = Counting()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    threads, known = torch.get_num_threads(), set(threading.enumerate())
    preflight(net, (X, Y), FitOptions(plan={"threads": 1}))
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads
    assert set(threading.enumerate()) == known
    assert list(tmp_path.iterdir()) == []
