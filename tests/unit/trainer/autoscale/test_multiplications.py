"""Multiplications of a network."""

import torch
from torch import nn

from naiad.trainer.autoscale.multiplications import forward_multiplications


def test_a_matrix_multiplies_once_an_entry(blobs):
    assert forward_multiplications(nn.Linear(5, 3), blobs) == 15


def test_a_convolution_multiplies_at_every_place(blobs):
    net = nn.Sequential(nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1))
    assert forward_multiplications(net, blobs) == 20


def test_attention_is_counted(blobs):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    net = nn.Sequential(nn.Unflatten(1, (5, 1)), nn.Linear(1, 8), nn.TransformerEncoder(layer, 2))
    assert forward_multiplications(net, blobs) > 2 * 5 * (4 * 8 * 8 + 2 * 8 * 16)


def test_the_network_is_left_as_it_was(blobs):
    net = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3)).train()
    before = [value.clone() for value in net.state_dict().values()]
    forward_multiplications(net, blobs)
    assert net.training
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(net.state_dict().values(), before, strict=True))
