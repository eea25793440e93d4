"""Blocks of the network families."""

import pytest
import torch

from naiad.trainer.nets.blocks import ACTIVATIONS, ConvBlock, Perceptron, ResidualBlock, make_activation


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_keeps_the_shape(name):
    assert make_activation(name)(torch.randn(2, 3)).shape == (2, 3)


@pytest.mark.parametrize("block", [ConvBlock, ResidualBlock])
@pytest.mark.parametrize(("stride", "sides"), [(1, (9, 8)), (2, (5, 4))])
def test_a_stride_halves_and_rounds_up(block, stride, sides):
    assert block(3, 8, stride=stride)(torch.randn(2, 3, 9, 8)).shape == (2, 8, *sides)


def test_the_shortcut_has_no_weights_where_shapes_are_equal():
    assert not list(ResidualBlock(8, 8).around.parameters())


def test_a_perceptron_ends_in_a_linear_layer():
    layers = Perceptron([5, 7, 3], dropout=0.2)
    assert [type(layer).__name__ for layer in layers] == ["Linear", "ReLU", "Dropout", "Linear"]
    assert layers.last_layer.out_features == 3
    assert [type(layer).__name__ for layer in Perceptron([5, 3])] == ["Linear"]
