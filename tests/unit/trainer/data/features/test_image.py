"""Images of any layout, encoded and normalised."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.features import schema_from_json
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema, fit_image_features
from naiad.trainer.data.prepare import prepare

GREY, COLOUR = ImageSchema(1, 8, 9), ImageSchema(3, 8, 9)


@pytest.mark.parametrize(
    ("schema", "shape", "count"),
    [
        (GREY, (8, 9), 1),
        (GREY, (5, 8, 9), 5),
        (GREY, (5, 8, 9, 1), 5),
        (GREY, (5, 1, 8, 9), 5),
        (GREY, (5, 12, 12), 5),
        (GREY, (5, 8, 9, 3), 5),
        (GREY, (3, 8, 9), 3),
        (GREY, (16, 16, 3), 1),
        (GREY, (3, 1, 12, 12), 3),
        (GREY, (1, 3, 12, 12), 1),
        (COLOUR, (3, 8, 9), 1),
        (COLOUR, (8, 9, 3), 1),
        (COLOUR, (16, 16, 3), 1),
        (COLOUR, (5, 8, 9), 5),
        (COLOUR, (5, 16, 16, 4), 5),
        (COLOUR, (5, 3, 16, 16), 5),
    ],
)
def test_layouts(schema: ImageSchema, shape: tuple[int, ...], count: int) -> None:
    encoded = schema.encode(np.full(shape, 7, np.uint8))
    assert encoded.shape == (count, *schema.sample_shape)
    assert encoded.dtype is torch.uint8


def test_floats_up_to_one_are_scaled() -> None:
    assert GREY.encode(torch.full((8, 9), 0.5)).unique().tolist() == [128]
    assert GREY.encode(np.full((8, 9), 200.0)).unique().tolist() == [200]


def test_paths_and_pil_images_and_lists(tmp_path: Path) -> None:
    image = Image.new("RGB", (20, 20), (10, 20, 30))
    image.save(tmp_path / "a.png")
    assert COLOUR.encode(tmp_path / "a.png")[0, :, 0, 0].tolist() == [10, 20, 30]
    assert COLOUR.encode([str(tmp_path / "a.png"), image, np.zeros((8, 9, 3), np.uint8)]).shape[0] == 3
    assert GREY.encode([[[0] * 9] * 8] * 2).shape == (2, 1, 8, 9)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "empty"),
        ("nowhere.png", "does not exist"),
        (np.full((8, 9), np.nan), "NaN"),
        (np.full((8, 9), -1.0), "values of -1"),
        (np.full((8, 9), 300), "300"),
        (np.zeros((2, 8, 9, 7), np.uint8), "do not fit"),
        (np.zeros(4, np.uint8), "do not fit"),
        (object(), "no image"),
        (np.zeros((3, 12, 12), np.uint8), "3 grey images, or one image of 3 channels"),
        (np.full((8, 9), 0.001), "scaled twice"),
    ],
)
def test_input_that_does_not_fit_is_an_error(raw: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        GREY.encode(raw)


def test_dark_images_are_no_pixels_that_were_scaled_twice() -> None:
    bright, dark = np.full((8, 9), 0.5), np.full((8, 9), 0.001)
    assert torch.equal(GREY.encode([bright, dark]), GREY.encode(np.stack([bright, dark])))
    black = np.zeros((8, 9))
    black[3, 4] = 0.001
    assert not GREY.encode(black).any()
    for given in ([dark, dark], [black, dark], [torch.from_numpy(dark)], dark.tolist()):
        with pytest.raises(DataError, match="scaled twice"):
            GREY.encode(given)


def test_binary_pixels_stay_what_they_are() -> None:
    binary, values = ImageSchema(1, 8, 9, top=1), np.arange(72).reshape(8, 9) % 2
    for given in (values, values.astype(np.uint8), values.astype(np.float32), values.astype(bool)):
        assert torch.equal(binary.encode(given)[0, 0], torch.from_numpy(values).to(torch.uint8))
    assert torch.equal(binary.encode(values / 255)[0, 0], torch.from_numpy(values).to(torch.uint8))
    for given in (values * 255, values * 0.5, [values, values * 9], Image.new("L", (9, 8), 200)):
        with pytest.raises(DataError, match="trained on pixels of 0 to 1, but these reach"):
            binary.encode(given)
    assert schema_from_json(binary.to_json()) == binary


@pytest.mark.parametrize(("top", "recorded"), [(1, 1), (16, 16), (17, None), (255, None)])
def test_the_largest_pixel_is_recorded_where_it_is_small(top: int, recorded: int | None) -> None:
    images = (np.arange(10 * 64).reshape(10, 8, 8) % (top + 1)).astype(np.uint8)
    images[:, 0, 0] = top
    schema = prepare((images, [0, 1] * 5)).schema
    assert isinstance(schema, ImageSchema)
    assert schema.top == recorded
    if recorded is not None:
        with pytest.raises(DataError, match="trained on pixels"):
            prepare({"train": (images, [0, 1] * 5), "test": (255 - images, [0, 1] * 5)})


def test_json() -> None:
    assert schema_from_json(COLOUR.to_json()) == COLOUR


def test_features_normalise_by_channel() -> None:
    images = torch.randint(0, 255, (50, 3, 8, 9), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[:, 2] = 7
    features = fit_image_features(TensorSamples(images), seed=0)
    normalised = features(images)
    assert normalised.dtype is torch.float32
    assert normalised.mean(dim=(0, 2, 3)).abs().max() < 1e-4
    assert normalised.std(dim=(0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 0], abs=1e-4)
    assert features(images.to(memory_format=torch.channels_last)).is_contiguous(memory_format=torch.channels_last)


def test_features_are_exported_with_any_batch() -> None:
    features = ImageFeatures(torch.tensor([5.0]), torch.tensor([2.0]))
    program = torch.export.export(
        features, (torch.zeros(2, 1, 8, 9, dtype=torch.uint8),), dynamic_shapes=({0: torch.export.Dim.AUTO},)
    )
    assert program.module()(torch.zeros(5, 1, 8, 9, dtype=torch.uint8)).shape[0] == 5
