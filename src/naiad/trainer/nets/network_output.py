"""Kinds of outputs that a classifier's network gives for each class: logits, or probabilities, turned back into logits.

The kind is seen in the values, and for a sigmoid in the last operation too: logits may lie between 0 and 1 by chance.
Shape legend: B batch, K classes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

LOGITS, SOFTMAX, SIGMOID = "logits", "softmax", "sigmoid"
SOFTMAX_IN_EVAL, SIGMOID_IN_EVAL = "softmax-in-eval", "sigmoid-in-eval"
_TOLERANCE = 1e-3
_BY_MODES = {
    (LOGITS, LOGITS): LOGITS,
    (SOFTMAX, SOFTMAX): SOFTMAX,
    (SIGMOID, SIGMOID): SIGMOID,
    (LOGITS, SOFTMAX): SOFTMAX_IN_EVAL,
    (LOGITS, SIGMOID): SIGMOID_IN_EVAL,
}
"""The kind by what is given in training mode and in eval mode; other pairs make no sense."""

ToLogits = Callable[[Tensor], Tensor]
"""Takes a network's outputs (B, K); returns logits (B, K)."""


def output_kind(outputs_BK: Tensor, operation: str) -> str:
    """Returns LOGITS, SOFTMAX or SIGMOID for the outputs of one mode. Log-probabilities are logits.

    operation: the last one, as autograd names it: ``SigmoidBackward0``.
    """
    values_BK = outputs_BK.detach().double()
    if not _are_fractions(values_BK):
        return LOGITS
    if _sums_to_one(values_BK, dim=1):
        return SOFTMAX
    return SIGMOID if operation.startswith("Sigmoid") else LOGITS


def is_softmax_over_batch(outputs_BK: Tensor) -> bool:
    """Whether each class has probabilities, or log-probabilities, that sum to 1 over the samples of a batch of several."""
    values_BK = outputs_BK.detach().double()
    if len(values_BK) < 2:
        return False
    if bool((values_BK <= 0).all()):
        values_BK = values_BK.exp()
    return _are_fractions(values_BK) and _sums_to_one(values_BK, dim=0) and not _sums_to_one(values_BK, dim=1)


def combine_kinds(in_training: str, in_eval: str) -> str | None:
    """Returns the kind of a network that gives these in its two modes; None where they do not go together."""
    return _BY_MODES.get((in_training, in_eval))


def training_logits(kind: str) -> ToLogits | None:
    """Returns the function that turns the outputs of a network of this kind in training mode into logits; None for logits."""
    return _TO_LOGITS.get(kind)


def eval_logits(kind: str) -> ToLogits | None:
    """Returns the same for outputs in eval mode."""
    return _TO_LOGITS.get(kind.removesuffix("-in-eval"))


def _are_fractions(values: Tensor) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())


def _sums_to_one(values: Tensor, *, dim: int) -> bool:
    return bool(((values.sum(dim=dim) - 1).abs() < _TOLERANCE).all())


def _log(probabilities: Tensor) -> Tensor:
    """The softmax of the logarithm of probabilities gives these probabilities again."""
    return probabilities.float().clamp_min(torch.finfo(torch.float32).tiny).log()


def _inverse_sigmoid(probabilities: Tensor) -> Tensor:
    return torch.logit(probabilities.float(), eps=torch.finfo(torch.float32).eps)


_TO_LOGITS: dict[str, ToLogits] = {SOFTMAX: _log, SIGMOID: _inverse_sigmoid}
