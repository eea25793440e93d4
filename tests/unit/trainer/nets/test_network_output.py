"""Outputs of a classifier's network: seen in the values, and turned back into logits."""

import pytest
import torch
from torch.nn import functional as F

from naiad.trainer.nets.network_output import (
    LOGITS,
    SIGMOID,
    SIGMOID_IN_EVAL,
    SOFTMAX,
    SOFTMAX_IN_EVAL,
    combine_kinds,
    eval_logits,
    is_softmax_over_batch,
    output_kind,
    training_logits,
)
from naiad.trainer.plan.plan import CHOICES

LOGITS_BK = 3 * torch.randn(4, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("outputs", "operation", "kind"),
    [
        (LOGITS_BK, "AddmmBackward0", LOGITS),
        (LOGITS_BK.softmax(1), "SoftmaxBackward0", SOFTMAX),
        (LOGITS_BK.softmax(1), "DivBackward0", SOFTMAX),  # exp(x) / exp(x).sum()
        (LOGITS_BK.softmax(1).half(), "", SOFTMAX),
        (LOGITS_BK.log_softmax(1), "LogSoftmaxBackward0", LOGITS),
        (LOGITS_BK.sigmoid(), "SigmoidBackward0", SIGMOID),
        (torch.full((4, 2), 0.1), "AddmmBackward0", LOGITS),  # by chance
        (torch.zeros(4, 2), "AddmmBackward0", LOGITS),
    ],
)
def test_the_kind_is_seen_in_the_values(outputs, operation, kind):
    assert output_kind(outputs, operation) == kind


@pytest.mark.parametrize(
    ("outputs", "is_over_batch"),
    [
        (LOGITS_BK.softmax(0), True),
        (LOGITS_BK.log_softmax(0), True),
        (LOGITS_BK.softmax(1), False),
        (LOGITS_BK, False),
        (torch.ones(1, 5), False),
    ],
)
def test_a_softmax_over_the_batch_is_seen(outputs, is_over_batch):
    assert is_softmax_over_batch(outputs) is is_over_batch


def test_both_modes_count():
    assert combine_kinds(LOGITS, SOFTMAX) == SOFTMAX_IN_EVAL
    assert combine_kinds(LOGITS, SIGMOID) == SIGMOID_IN_EVAL
    assert combine_kinds(SOFTMAX, SOFTMAX) == SOFTMAX
    assert combine_kinds(SOFTMAX, LOGITS) is None


def test_the_names_are_those_of_the_plan():
    kinds = (LOGITS, SOFTMAX, SIGMOID, SOFTMAX_IN_EVAL, SIGMOID_IN_EVAL)
    assert CHOICES["network_output"].names == kinds
    assert [training_logits(kind) is None for kind in kinds] == [True, False, False, True, True]
    assert [eval_logits(kind) is None for kind in kinds] == [True, False, False, False, False]


def test_logits_come_back():
    targets = torch.tensor([0, 1, 2, 3])
    for kind, outputs in ((SOFTMAX, LOGITS_BK.softmax(1)), (SIGMOID, LOGITS_BK.sigmoid())):
        logits = training_logits(kind)(outputs)
        torch.testing.assert_close(logits.softmax(1), LOGITS_BK.softmax(1))
        torch.testing.assert_close(F.cross_entropy(logits, targets), F.cross_entropy(LOGITS_BK, targets))


@pytest.mark.parametrize("kind", [SOFTMAX, SIGMOID])
def test_certain_outputs_stay_finite(kind):
    outputs = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    loss = F.cross_entropy(training_logits(kind)(outputs), torch.tensor([1, 1]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(outputs.grad).all()
