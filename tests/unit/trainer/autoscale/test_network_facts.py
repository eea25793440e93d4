import torch
from torch import nn

from naiad.trainer.autoscale.network_facts import bf16_difference, hidden_width, is_depthwise, layer_types


def test_layers_within_layers_count():
    net = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(5, 7), nn.GRU(7, 3)))
    assert layer_types(net) == {nn.Sequential, nn.Flatten, nn.Linear, nn.GRU}


def test_a_filter_for_each_channel_is_depthwise():
    assert is_depthwise(nn.Conv2d(4, 8, 3, groups=4))
    assert not is_depthwise(nn.Conv2d(4, 8, 3, groups=2))
    assert not is_depthwise(nn.Conv2d(1, 8, 3))


def test_the_widest_hidden_layer():
    assert hidden_width(nn.Sequential(nn.Linear(900, 70), nn.ReLU(), nn.Linear(70, 30), nn.Linear(30, 500))) == 70
    assert hidden_width(nn.Linear(900, 3)) == 0


def test_bf16_is_compared_on_a_copy(blobs):
    class Drifting(nn.Linear):
        def forward(self, inputs):
            outputs = super().forward(inputs)
            return outputs if outputs.dtype == torch.float32 else 2 * outputs

    net = nn.Linear(5, 3)
    before = net.weight.clone()
    assert 0 < bf16_difference(net, blobs) < 0.05 < bf16_difference(Drifting(5, 3), blobs)
    assert torch.equal(net.weight, before)
    assert net.training
