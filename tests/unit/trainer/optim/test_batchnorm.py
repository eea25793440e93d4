"""Statistics of BatchNorm layers, compared with their definition."""

import torch
from torch import nn

from naiad.trainer.optim.batchnorm import (
    has_batchnorm_statistics,
    lowest_momentum,
    minimum_momentum,
    recompute_statistics,
)


def make_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))


def test_recomputed_statistics_are_means_over_the_batches():
    net, batches = make_net().eval(), [torch.randn(50, 3) * 2 + 1 for _ in range(4)]
    layer = net[1]
    layer.running_mean.fill_(99.0)
    recompute_statistics(net, batches)
    outputs = [net[0](batch).detach() for batch in batches]
    assert torch.allclose(layer.running_mean, torch.stack([output.mean(0) for output in outputs]).mean(0), atol=1e-5)
    assert torch.allclose(layer.running_var, torch.stack([output.var(0) for output in outputs]).mean(0), atol=1e-5)


def test_recomputing_changes_nothing_else():
    net = make_net()
    net[3].eval()
    weights = {name: value.clone() for name, value in net.named_parameters()}
    before = torch.get_rng_state()
    recompute_statistics(net, [torch.randn(5, 3, generator=torch.Generator().manual_seed(0))])
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(value, weights[name]) for name, value in net.named_parameters())
    assert [module.training for module in net] == [True, True, True, False]
    assert net[1].momentum == 0.1


def test_layers_that_keep_statistics_are_found():
    assert has_batchnorm_statistics(make_net())
    assert not has_batchnorm_statistics(nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.LayerNorm(4)))


def test_a_minimum_momentum_holds_inside_the_block():
    net = nn.Sequential(
        nn.BatchNorm1d(4, momentum=0.01), nn.BatchNorm1d(4, momentum=0.3), nn.BatchNorm1d(4, momentum=None)
    )
    with minimum_momentum(net, 0.1):
        assert [layer.momentum for layer in net] == [0.1, 0.3, None]
    assert [layer.momentum for layer in net] == [0.01, 0.3, None]
    with minimum_momentum(net, None):
        assert net[0].momentum == 0.01


def test_the_lowest_momentum_is_found():
    assert lowest_momentum(nn.Sequential(nn.BatchNorm1d(4, momentum=0.01), make_net())) == 0.01
    assert lowest_momentum(nn.BatchNorm1d(4, momentum=None)) is None
    assert lowest_momentum(nn.Linear(1, 1)) is None
