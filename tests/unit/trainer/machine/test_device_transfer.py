"""A network on its way to a device and back."""

import torch
from torch import nn

from naiad.trainer.machine.device_transfer import to_cpu, to_device


def test_a_network_moves_to_the_device_and_back(plan):
    net = nn.Conv2d(3, 4, 3)
    before = net.weight.detach().clone()
    assert to_device(net, "cpu", memory_format="channels_last") is net
    assert net.weight.is_contiguous(memory_format=torch.channels_last)
    to_cpu(net)
    assert net.weight.is_contiguous()
    assert torch.equal(net.weight, before)
