"""Orthogonalises matrices with the Newton–Schulz iteration of Muon.

Jordan et al., https://kellerjordan.github.io/posts/muon/: a quintic polynomial moves all singular values towards 1. Its
coefficients let small values rise fast, so that the results lie between about 0.7 and 1.2 and not at 1.
Shape legend: K matrices, R rows, C columns.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

STEPS = 2
"""The method's author takes five. Two were as accurate where both were tried (benchmarks/LOG.md), and faster."""
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_SMALLEST_NORM = 1e-7


def orthogonalise(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns matrices with singular values near 1, in ``dtype``, in which they are computed.

    matrices: (R, C), or (K, R, C) of one shape, which are computed together.
    """
    result = matrices.to(dtype)
    is_tall = result.size(-2) > result.size(-1)
    if is_tall:
        result = result.mT
    norm = result.norm() if result.ndim == 2 else result.norm(dim=(-2, -1), keepdim=True)
    result = result / norm.clamp(min=_SMALLEST_NORM)
    add_product = torch.addmm if result.ndim == 2 else torch.baddbmm
    first, third, fifth = _COEFFICIENTS
    for _ in range(STEPS):
        gram = result @ result.mT
        update = add_product(gram, gram, gram, beta=third, alpha=fifth)
        result = add_product(result, update, result, beta=first)
    return result.mT if is_tall else result


def count_multiplications(shapes: Iterable[Sequence[int]]) -> float:
    """Returns the multiplications that matrices of these shapes take."""
    total = 0
    for shape in shapes:
        short, long = sorted(shape)
        total += STEPS * (2 * short * short * long + short**3)
    return float(total)
