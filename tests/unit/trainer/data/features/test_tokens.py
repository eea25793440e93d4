"""Token ids, encoded."""

import numpy as np
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.features import schema_from_json
from naiad.trainer.data.features.fit import fit_input_features
from naiad.trainer.data.features.tokens import TokenSchema

SCHEMA = TokenSchema((4,), 10)


@pytest.mark.parametrize("raw", [np.ones((3, 4), np.int16), np.ones((3, 4)), torch.ones(3, 4, dtype=torch.uint8)])
def test_ids_of_any_type_become_int64(raw: object) -> None:
    encoded = SCHEMA.encode(raw)
    assert (tuple(encoded.shape), encoded.dtype) == ((3, 4), torch.int64)
    assert SCHEMA.encode([1, 2, 3, 4]).shape == (1, 4)
    assert TokenSchema((1,), 10).encode([1, 2, 3]).shape == (3, 1)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.ones((2, 5), int), r"\(5,\) do not fit the trained shape \(4,\)"),
        (np.full((2, 4), 10), "are 10 to 10, but the model knows 0 to 9"),
        (np.full((2, 4), -1), "are -1 to -1"),
        (np.full((2, 4), 0.5), "fractions"),
        ("a text", "not numbers"),
    ],
)
def test_what_is_no_id_of_the_model_is_refused(raw: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        SCHEMA.encode(raw)


def test_json_and_features() -> None:
    assert schema_from_json(SCHEMA.to_json()) == SCHEMA
    ids = torch.tensor([[1, 2, 3, 4]])
    assert torch.equal(fit_input_features(SCHEMA, TensorSamples(ids), seed=0)(ids), ids)
