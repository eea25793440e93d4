"""The network for tables: members, bins, and what comes out at the start."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from naiad.errors import OptionError
from naiad.trainer.nets.table import TableEnsemble, choose_bins


def fitted(inputs, outputs=1, **options):
    net = TableEnsemble(inputs.shape[1:], outputs, bins=choose_bins(inputs), **options)
    net.fit_bins(inputs)
    return net.eval()


def test_the_output_is_the_mean_of_the_members():
    inputs = torch.randn(50, 3)
    net = fitted(inputs, members=4)
    torch.testing.assert_close(net(inputs), net.member_outputs(inputs).mean(dim=0))
    classifier = fitted(inputs, outputs=3, members=4)
    mean = torch.softmax(classifier.member_outputs(inputs), dim=-1).mean(dim=0)
    torch.testing.assert_close(classifier(inputs).exp(), mean)


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_bits_of_a_rows_mean_do_not_depend_on_its_place(outputs, monkeypatch):
    net, order = TableEnsemble((1,), outputs), torch.randperm(61)
    outputs_MBK = torch.randn(8, 61, outputs)
    monkeypatch.setattr(net, "member_outputs", lambda rows: outputs_MBK[:, rows])
    assert torch.equal(net(torch.arange(61))[order], net(order))


def test_members_differ():
    inputs = torch.randn(50, 3)
    assert fitted(inputs, members=4).member_outputs(inputs).std(dim=0).min() > 0


def test_edges_are_quantiles_and_repeated_values_leave_bins_without_width():
    inputs = torch.cat([torch.arange(160.0)[:, None], (torch.arange(160) % 3).float()[:, None]], dim=1)
    net = fitted(inputs)
    assert net.columns.tolist() == [0, 1]
    assert net.low.shape == (2, 16)
    torch.testing.assert_close(net.low[0], torch.arange(16) * 159 / 16)
    assert (net.inverse_width[1] > 0).sum() == 2
    encoded = net._encode(torch.tensor([[159.0, 1.0], [0.0, 0.0], [1e6, -5.0]]))
    torch.testing.assert_close(encoded[0, :16], torch.ones(16))
    assert encoded[0, 16:].tolist() == [1.0, -1.0] + [0.0] * 14
    assert encoded[1, :16].tolist() == [-1.0] * 16
    assert encoded[2, :16].tolist() == [1.0] * 16


def test_inputs_of_two_values_have_no_bins_and_many_inputs_have_fewer():
    flags = (torch.arange(100) % 2).float()[:, None]
    assert choose_bins(flags) == [0] * flags.shape[1]
    assert choose_bins(torch.cat([flags, torch.randn(100, 1)], dim=1)) == [0, 10]
    assert choose_bins(torch.randn(500, 500)) == [4] * 500
    assert choose_bins(torch.randn(100, 1_500)) == [0] * 1_500
    assert choose_bins(torch.randn(60, 2)) == [6, 6]


def test_extreme_inputs_stay_finite():
    net = fitted(torch.randn(50, 2))
    assert torch.isfinite(net(torch.tensor([[1e6, -1e6]]))).all()
    assert torch.isfinite(fitted(torch.ones(50, 2))(torch.ones(1, 2))).all()


def test_factors_and_biases_are_not_decayed():
    net = TableEnsemble((3,), 2)
    decayed = {name for name, parameter in net.named_parameters() if parameter.ndim >= 2}
    assert decayed == {"hidden.0.weight", "hidden.3.weight", "last_weight", "linear.weight"}


def test_the_linear_part_starts_at_zero():
    net = TableEnsemble((3,), 2, members=1).eval()
    assert net.linear.weight.abs().sum() == 0
    inputs = torch.randn(4, 3)
    assert torch.equal(net.linear(inputs), torch.zeros(4, 2))


def test_it_begins_as_ridge_regression():
    inputs = torch.rand(200, 3) * 2 - 1  # hardly clipped
    targets = inputs @ torch.tensor([1.0, -2.0, 0.5]) + torch.randn(200) / 5
    targets = (targets - targets.mean()) / targets.std()
    net = fitted(inputs)
    net.fit_linear(inputs, targets)
    ridge = Ridge().fit(inputs.numpy(), targets.numpy())
    torch.testing.assert_close(net(inputs).squeeze(1), torch.from_numpy(ridge.predict(inputs)), atol=0.02, rtol=0)


def test_it_begins_as_logistic_regression_of_the_weighted_samples():
    inputs = torch.rand(200, 2) * 2 - 1
    targets = (inputs[:, 0] + torch.randn(200) > 0.5).long()
    weights = torch.rand(200) + 0.1
    net = fitted(inputs, outputs=2)
    net.fit_linear(inputs, targets, weights)
    logistic = LogisticRegression().fit(inputs.numpy(), targets.numpy(), weights.numpy() / weights.mean().item())
    wanted = torch.from_numpy(logistic.predict_proba(inputs.numpy())).float()
    torch.testing.assert_close(net(inputs).exp(), wanted, atol=0.02, rtol=0)


@pytest.mark.parametrize(
    "options", [{"members": 0}, {"hidden": ()}, {"bins": 16}, {"bins": [-1]}, {"dropout": 1.0}, {"activation": "x"}]
)
def test_options_are_checked(options):
    with pytest.raises(OptionError):
        TableEnsemble((5,), 3, **options)
