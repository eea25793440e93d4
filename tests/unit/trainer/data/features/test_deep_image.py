"""Images of more than 8 bits, encoded."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.features import schema_from_json
from naiad.trainer.data.features.deep_image import DeepImageSchema
from naiad.trainer.data.features.fit import fit_input_features
from naiad.trainer.data.pixels import Depth
from naiad.trainer.data.scale import ValueRange

SCHEMA = DeepImageSchema(4, 5, Depth.INTEGER)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5), (3, 1, 4, 5), (3, 4, 5, 1), (2, 8, 10)])
def test_layouts(shape: tuple[int, ...]) -> None:
    encoded = SCHEMA.encode(np.full(shape, 4095, np.uint16))
    assert encoded.shape == (1 if len(shape) == 2 else shape[0], 1, 4, 5)
    assert encoded.unique().tolist() == [4095]


def test_json() -> None:
    schema = DeepImageSchema(4, 5, Depth.FLOAT, 0.5, ValueRange(0.1, 0.9, is_whole=False))
    assert schema_from_json(schema.to_json()) == schema
    earlier = {name: value for name, value in schema.to_json().items() if name != "value_range"}
    assert schema_from_json(earlier) == DeepImageSchema(4, 5, Depth.FLOAT, 0.5)


def test_numbers_on_another_scale_than_the_training_images_are_an_error() -> None:
    floats = DeepImageSchema(4, 5, Depth.FLOAT, 0.0, ValueRange(0.1, 0.9, is_whole=False))
    with pytest.raises(DataError, match="as raw pixels are"):
        floats.encode(np.full((4, 5), 200))
    integers = DeepImageSchema(4, 5, Depth.INTEGER, 0.0, ValueRange(900, 4000, is_whole=True))
    with pytest.raises(DataError, match="these are from 3 to 3"):
        integers.encode(np.full((4, 5), 3, np.uint16))
    assert len(integers.encode(np.full((4, 5), 600, np.uint16))) == 1


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.zeros((4, 5), np.uint8), "pixels of 8 bits"),
        (np.full((4, 5), 0.5), "numbers with fractions"),
        (Image.new("L", (5, 4)), "has 8 bits"),
        ("nowhere.png", "does not exist"),
        ([], "empty"),
        (np.zeros((2, 3, 4, 5), np.uint16), "do not fit"),
        (np.array(["a"]), "no image"),
    ],
)
def test_input_on_another_scale_or_of_another_shape_is_an_error(raw: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        SCHEMA.encode(raw)


def test_features_standardise_and_take_nan_for_the_mean(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0.5, np.nan], [2.5, np.inf]], np.float32)).save(tmp_path / "a.tiff")
    schema = DeepImageSchema(2, 2, Depth.FLOAT)
    values = schema.encode(tmp_path / "a.tiff")
    assert values.isnan().sum() == 2
    out = fit_input_features(schema, TensorSamples(values), seed=0)(values)
    assert out.flatten().tolist() == pytest.approx([-1, 0, 1, 0])
    assert torch.equal(
        fit_input_features(schema, TensorSamples(values), seed=0, normalise=False)(values)[0, 0, 0, :1],
        torch.tensor([0.5]),
    )
