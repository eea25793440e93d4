import numpy as np
import pytest

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.inference import InferenceError
from naiad.service.endpoints.worker.input_schema import ArrayInput, ImageInput, TableInput, read_input_schema
from naiad.trainer.data.columns import Column, ColumnKind

GREY, COLOUR = ImageInput(1, 4, 6), ImageInput(3, 4, 6)


@pytest.mark.parametrize(
    ("schema", "shape", "count"),
    [
        (GREY, (2, 1, 4, 6), 2),
        (GREY, (1, 4, 6), 1),
        (GREY, (4, 6), 1),
        (GREY, (5, 4, 6), 5),
        (GREY, (4, 6, 1), 1),
        (GREY, (24,), 1),
        (GREY, (3, 24), 3),
        (COLOUR, (3, 4, 6), 1),
        (COLOUR, (4, 6, 3), 1),
        (COLOUR, (2, 4, 6, 3), 2),
        (COLOUR, (72,), 1),
        (ArrayInput((5,)), (5,), 1),
        (ArrayInput((5,)), (7, 5), 7),
        (ArrayInput((2, 3)), (2, 6), 2),
    ],
)
def test_layouts_of_arrays(schema, shape: tuple[int, ...], count: int):
    batch = schema.coerce(np.ones(shape))
    assert batch.shape == (count, *schema.sample_shape)
    assert batch.dtype == schema.dtype


def test_channels_last_become_channels_first():
    image = np.arange(72).reshape(4, 6, 3)
    np.testing.assert_array_equal(COLOUR.coerce(image)[0], image.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((5, 6)), r"\(5, 6\).*\(N, 1, 4, 6\)"),
        (np.ones((2, 3, 4, 6)), r"\(2, 3, 4, 6\)"),
        (np.full((4, 6), 256), "256"),
        (np.full((4, 6), -1), "-1"),
        (np.full((4, 6), np.nan), "nan"),
        (np.full((4, 6), "a"), "<U1"),
        (np.full((4, 6), 1j), "complex"),
    ],
)
def test_an_array_that_is_not_an_image_is_refused(values: np.ndarray, message: str):
    with pytest.raises(InferenceError, match=message) as raised:
        GREY.coerce(values)
    assert raised.value.status == 400


def test_binary_pixels_stay_what_they_are():
    binary, values = ImageInput(1, 4, 6, top=1), np.arange(24).reshape(4, 6) % 2
    for given in (values, values.astype(float), values.astype(bool), values.astype(np.uint8), values / 255):
        np.testing.assert_array_equal(binary.coerce(given)[0, 0], values)
    for given in (values * 255, values * 0.5):
        with pytest.raises(InferenceError, match="this model takes 0 to 1"):
            binary.coerce(given)
    description = {"kind": "image", "channels": 1, "height": 4, "width": 6, "background": 255, "top": 1}
    assert read_input_schema(description).top == 1


def test_pixels_are_converted_as_the_trainer_does():
    assert GREY.coerce(np.full((4, 6), 0.5))[0, 0, 0, 0] == 128
    assert GREY.coerce(np.full((4, 6), 200.4))[0, 0, 0, 0] == 200
    assert GREY.coerce(np.full((4, 6), True))[0, 0, 0, 0] == 255  # reason: a pixel


def test_infinities_become_missing_values():
    assert np.isnan(ArrayInput((2,)).coerce(np.array([np.inf, 1]))[0, 0])


def test_only_a_table_of_numbers_takes_arrays():
    numbers = TableInput((Column("a", ColumnKind.NUMBER), Column("b", ColumnKind.NUMBER)))
    assert numbers.coerce(np.ones((3, 2))).shape == (3, 2)
    mixed = TableInput((Column("a", ColumnKind.NUMBER), Column("town", ColumnKind.CATEGORY)))
    with pytest.raises(InferenceError, match="'town' is a category: give rows"):
        mixed.coerce(np.ones((3, 2)))


@pytest.mark.parametrize(
    "values", [{"kind": "sound"}, {"kind": "image", "channels": 1}, {"kind": "array", "shape": 3}, {}]
)
def test_a_malformed_schema_raises(values: dict[str, object]):
    with pytest.raises(ArtifactError):
        read_input_schema(values)


def test_deep_images_on_another_scale_are_refused():
    value_range = {"low": 40_000.0, "high": 65_535.0, "is_whole": True}
    values = {"kind": "deep_image", "height": 4, "width": 6, "depth": "integer", "offset": 0.0}
    schema = read_input_schema({**values, "value_range": value_range})
    assert schema.coerce(np.full((4, 6), 50_000)).shape == (1, 1, 4, 6)
    for given in (np.full((4, 6), 40), np.full((4, 6), 0.5)):
        with pytest.raises(InferenceError, match="the model was trained on"):
            schema.coerce(given)
        assert read_input_schema(values).coerce(given).shape == (1, 1, 4, 6)
