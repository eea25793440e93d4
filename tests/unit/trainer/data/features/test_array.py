"""Arrays, encoded and standardised."""

import math

import numpy as np
import pytest
import torch

from naiad.errors import ArtifactError, DataError
from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.features import schema_from_json
from naiad.trainer.data.features.array import ArraySchema, fit_array_features


def test_encode() -> None:
    assert ArraySchema((3,)).encode([[1, 2, math.inf]]).isnan().tolist() == [[False, False, True]]
    assert ArraySchema((3,)).encode(np.zeros(3)).shape == (1, 3)
    assert ArraySchema((1, 4, 5)).encode(np.zeros((2, 4, 5))).shape == (2, 1, 4, 5)
    assert ArraySchema((3, 4, 5)).encode(np.zeros((2, 4, 5, 3))).shape == (2, 3, 4, 5)
    assert ArraySchema((1,)).encode(np.zeros(7)).shape == (7, 1)
    with pytest.raises(DataError, match=r"\(4,\) do not fit the trained shape \(3,\)"):
        ArraySchema((3,)).encode(np.zeros((2, 4)))


def test_json() -> None:
    assert schema_from_json(ArraySchema((3, 4)).to_json()) == ArraySchema((3, 4))
    with pytest.raises(ArtifactError, match="'sound'"):
        schema_from_json({"kind": "sound"})
    with pytest.raises(ArtifactError, match="incomplete"):
        schema_from_json({"kind": "array"})


def test_columns_are_standardised_and_nan_is_the_mean() -> None:
    values = torch.tensor([[1.0, 1e6 + 1, 4.0], [3.0, 1e6 + 3, 4.0], [math.nan, 1e6 + 2, 4.0]])
    out = fit_array_features(TensorSamples(values), seed=0)(values)
    assert out[:, 0].tolist() == pytest.approx([-1, 1, 0])
    assert out[:, 1].tolist() == pytest.approx([-1.2247, 1.2247, 0], abs=1e-3)
    assert out[:, 2].tolist() == [0, 0, 0]


@pytest.mark.parametrize("shape", [(20, 3, 4, 5), (20, 3, 4), (20, 2, 2, 3, 2)])
def test_channels_are_standardised(shape: tuple[int, ...]) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 5 + 2
    out = fit_array_features(TensorSamples(values), seed=0)(values)
    assert out.shape == values.shape
    assert out.transpose(0, 1).flatten(1).mean(dim=1).abs().max() < 1e-5
