import numpy as np
import pytest

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.inference import Unfit
from naiad.service.endpoints.worker.input_schema import ArraySchema, ImageSchema, TableSchema, read_schema
from naiad.trainer.data.columns import Column, ColumnKind

GREY, COLOUR = ImageSchema(1, 4, 6), ImageSchema(3, 4, 6)


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
        (ArraySchema((5,)), (5,), 1),
        (ArraySchema((5,)), (7, 5), 7),
        (ArraySchema((2, 3)), (2, 6), 2),
    ],
)
def test_layouts(schema, shape: tuple[int, ...], count: int):
    fit = schema.fit(np.ones(shape))
    assert fit.shape == (count, *schema.sample_shape)
    assert fit.dtype == schema.dtype


def test_channels_last_keep_their_places():
    image = np.arange(72).reshape(4, 6, 3)
    np.testing.assert_array_equal(COLOUR.fit(image)[0], image.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("values", "said"),
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
def test_what_is_no_image_is_refused_with_both_sides(values: np.ndarray, said: str):
    with pytest.raises(Unfit, match=said) as refused:
        GREY.fit(values)
    assert refused.value.status == 400


def test_pixels_as_the_trainer_takes_them():
    assert GREY.fit(np.full((4, 6), 0.5))[0, 0, 0, 0] == 128
    assert GREY.fit(np.full((4, 6), 200.4))[0, 0, 0, 0] == 200
    assert GREY.fit(np.full((4, 6), True))[0, 0, 0, 0] == 255  # reason: a pixel


def test_infinities_are_missing():
    assert np.isnan(ArraySchema((2,)).fit(np.array([np.inf, 1]))[0, 0])


def test_a_table_of_numbers_takes_arrays_and_another_does_not():
    numbers = TableSchema((Column("a", ColumnKind.NUMBER), Column("b", ColumnKind.NUMBER)))
    assert numbers.fit(np.ones((3, 2))).shape == (3, 2)
    mixed = TableSchema((Column("a", ColumnKind.NUMBER), Column("town", ColumnKind.CATEGORY)))
    with pytest.raises(Unfit, match="'town' is a category: give rows"):
        mixed.fit(np.ones((3, 2)))


@pytest.mark.parametrize(
    "values", [{"kind": "sound"}, {"kind": "image", "channels": 1}, {"kind": "array", "shape": 3}, {}]
)
def test_a_schema_that_cannot_be_read(values: dict[str, object]):
    with pytest.raises(ArtifactError):
        read_schema(values)
