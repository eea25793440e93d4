"""A program and its heads."""

import pytest
import torch
from torch import nn

from naiad.trainer.artifact.program import (
    CentroidHead,
    Encoder,
    ProbabilityHead,
    Program,
    RescaleHead,
    SoftmaxHead,
)
from naiad.trainer.nets.network_output import eval_logits


def test_probabilities_sum_to_one_in_float32():
    scores = SoftmaxHead()(torch.randn(4, 3, dtype=torch.bfloat16))
    assert scores.dtype is torch.float32
    torch.testing.assert_close(scores.sum(dim=1), torch.ones(4))


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_values_are_in_the_targets_units(shape):
    assert RescaleHead(10.0, 2.0)(torch.tensor([-1.0, 0.0, 1.0]).reshape(shape)).tolist() == [8, 10, 12]


def test_the_nearest_centroid_has_the_highest_score():
    head = CentroidHead(torch.tensor([[0.0, 0.0], [5.0, 5.0]]))
    scores = head(torch.tensor([[0.1, 0.2], [4.0, 6.0]]))
    assert scores.argmax(dim=1).tolist() == [0, 1]
    torch.testing.assert_close(scores.sum(dim=1), torch.ones(2))


def test_a_program_calls_features_network_and_head():
    class Coder(nn.Module):
        def encode(self, inputs):
            return inputs - 1

    program = Program(nn.ReLU(), Encoder(Coder()), nn.Identity())
    assert program(torch.tensor([-3.0, 3.0])).tolist() == [-1, 2]


def test_state_is_named_by_submodule():
    program = Program(nn.Identity(), nn.Linear(2, 1), RescaleHead(1.0, 2.0))
    assert set(program.state_dict()) == {"net.weight", "net.bias", "head.mean", "head.std"}


def test_a_head_for_probabilities_gives_them_again():
    probabilities = torch.tensor([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    head = ProbabilityHead(eval_logits("softmax"))
    torch.testing.assert_close(head(probabilities), probabilities)
    assert set(head.state_dict()) == {"temperature"}
    head.temperature.fill_(2.0)
    assert head(probabilities)[0, 0] < 0.7
