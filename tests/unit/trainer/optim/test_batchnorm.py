"""Statistics of BatchNorm layers, against those that the definition gives."""

import torch
from torch import nn

from naiad.trainer.optim.batchnorm import least_momentum, normalised_by_batch, recalculate, slowest_momentum


def a_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))


def test_the_statistics_are_the_batches_own():
    net, batches = a_net().eval(), [torch.randn(50, 3) * 2 + 1 for _ in range(4)]
    layer = net[1]
    layer.running_mean.fill_(99.0)
    recalculate(net, batches)
    outputs = [net[0](batch).detach() for batch in batches]
    assert torch.allclose(layer.running_mean, torch.stack([part.mean(0) for part in outputs]).mean(0), atol=1e-5)
    assert torch.allclose(layer.running_var, torch.stack([part.var(0) for part in outputs]).mean(0), atol=1e-5)


def test_nothing_else_changes():
    net = a_net()
    net[3].eval()
    weights = {name: value.clone() for name, value in net.named_parameters()}
    before = torch.get_rng_state()
    recalculate(net, [torch.randn(5, 3, generator=torch.Generator().manual_seed(0))])
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(value, weights[name]) for name, value in net.named_parameters())
    assert [module.training for module in net] == [True, True, True, False]
    assert net[1].momentum == 0.1


def test_what_keeps_statistics():
    assert normalised_by_batch(a_net())
    assert not normalised_by_batch(nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.LayerNorm(4)))


def test_a_least_momentum_is_for_a_while():
    net = nn.Sequential(
        nn.BatchNorm1d(4, momentum=0.01), nn.BatchNorm1d(4, momentum=0.3), nn.BatchNorm1d(4, momentum=None)
    )
    with least_momentum(net, 0.1):
        assert [layer.momentum for layer in net] == [0.1, 0.3, None]
    assert [layer.momentum for layer in net] == [0.01, 0.3, None]
    with least_momentum(net, None):
        assert net[0].momentum == 0.01


def test_the_slowest_momentum():
    assert slowest_momentum(nn.Sequential(nn.BatchNorm1d(4, momentum=0.01), a_net())) == 0.01
    assert slowest_momentum(nn.BatchNorm1d(4, momentum=None)) is None
    assert slowest_momentum(nn.Linear(1, 1)) is None
