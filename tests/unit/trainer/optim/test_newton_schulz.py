"""Newton–Schulz moves all singular values of a matrix near 1."""

import pytest
import torch

from naiad.trainer.optim.newton_schulz import count_multiplications, orthogonalise


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(8, 8), (4, 30), (30, 4)])
def test_singular_values_are_near_one(shape, dtype):
    left, _, right = torch.linalg.svd(
        torch.randn(shape, generator=torch.Generator().manual_seed(0)), full_matrices=False
    )
    values = torch.linspace(0.3, 1, min(shape))
    result = orthogonalise(left @ torch.diag(values) @ right, dtype)
    assert result.dtype == dtype
    found = torch.linalg.svdvals(result.float())
    assert found.min() > 0.6
    assert found.max() < 1.3


@pytest.mark.parametrize("shape", [(6, 10), (10, 6)])
def test_matrices_of_one_shape_are_computed_alike_together(shape):
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    together = orthogonalise(matrices, torch.float32)
    for one, expected in zip(matrices, together, strict=True):
        torch.testing.assert_close(orthogonalise(one, torch.float32), expected)


def test_a_matrix_of_zeros_stays_zero():
    assert not orthogonalise(torch.zeros(3, 5), torch.float32).any()


def test_multiplications_do_not_depend_on_the_orientation():
    assert count_multiplications([(3, 7)]) == count_multiplications([(7, 3)]) > 0
