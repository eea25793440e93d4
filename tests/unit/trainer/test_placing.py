"""A network where a plan says."""

import torch
from torch import nn

from naiad.trainer.placing import brought_back, placed


def test_there_and_back(plan):
    net = nn.Conv2d(3, 4, 3)
    before = net.weight.detach().clone()
    assert placed(net, plan(memory_format="channels_last")) is net
    assert net.weight.is_contiguous(memory_format=torch.channels_last)
    brought_back(net)
    assert net.weight.is_contiguous()
    assert torch.equal(net.weight, before)
