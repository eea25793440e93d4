"""Features modules, built again from their stored statistics."""

import pyarrow as pa
import pytest
import torch
from torch import nn

from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema
from naiad.trainer.data.features.deep_image import DeepImageSchema
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.data.features.stored import features_from_tensors
from naiad.trainer.data.features.table import TableSchema, fit_table_features
from naiad.trainer.data.features.target_statistics import StatisticTargets, assign_folds
from naiad.trainer.data.features.tokens import TokenFeatures, TokenSchema
from naiad.trainer.data.pixels import Depth

VALUES = torch.tensor([3.0, 1.0, 2.0])


def table(categories):
    """A schema of a number and a category, the module that was fitted to it, and encoded rows."""
    names = tuple(f"c{index}" for index in range(categories))
    columns = (Column("n", ColumnKind.NUMBER), Column("c", ColumnKind.CATEGORY, categories=names))
    schema = TableSchema(columns)
    rows = pa.table({"n": [1.0, None, 3.0] * categories, "c": list(names) * 3})
    encoded = schema.encode(rows)
    split = Split(TensorSamples(encoded), torch.arange(len(encoded)) % 2, [str(row) for row in range(len(encoded))])
    many = [column for _, column in schema.many_categories]
    split = assign_folds(split, many, seed=0)
    targets = StatisticTargets(split.targets, Task.CLASSIFICATION, 2) if many else None
    return schema, fit_table_features(schema, split.samples.tensor, targets), encoded


CASES = {
    "image": (ImageSchema(3, 4, 4), ImageFeatures(VALUES, VALUES), torch.full((2, 3, 4, 4), 9, dtype=torch.uint8)),
    "array": (ArraySchema((3,)), ArrayFeatures(VALUES, VALUES), torch.randn(2, 3)),
    "sequence": (
        ArraySchema((5, 3), is_sequence=True, feature_axis=1),
        ArrayFeatures(VALUES, VALUES, dimensions=2, axis=1),
        torch.randn(2, 5, 3),
    ),
    "deep image": (
        DeepImageSchema(4, 4, Depth.FLOAT),
        ArrayFeatures(VALUES[:1], VALUES[:1], dimensions=3),
        torch.randn(2, 1, 4, 4),
    ),
    "no statistics": (ArraySchema((3,)), nn.Identity(), torch.randn(2, 3)),
    "tokens": (TokenSchema((4,), 9), TokenFeatures(), torch.arange(8).view(2, 4)),
    "table": table(5),
    "table of many categories": table(70),
}


@pytest.mark.parametrize("name", CASES)
def test_the_module_gives_what_it_gave(name):
    schema, features, raw = CASES[name]
    again = features_from_tensors(schema, features.state_dict())
    assert type(again) is type(features)
    assert not again.training
    torch.testing.assert_close(again(raw), features(raw), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("schema", "tensors"),
    [
        (ImageSchema(10**12, 4, 4), ImageFeatures(VALUES, VALUES).state_dict()),
        (ArraySchema((10**12,)), ArrayFeatures(VALUES, VALUES).state_dict()),
        (ArraySchema((3,), feature_axis=7), ArrayFeatures(VALUES, VALUES).state_dict()),
        (ArraySchema((3,)), {"mean": VALUES}),
        (ArraySchema((3,)), {"mean": VALUES, "inverse_std": VALUES.double()}),
        (ArraySchema((3,)), {**ArrayFeatures(VALUES, VALUES).state_dict(), "more": VALUES}),
        (TokenSchema((4,), 9), {"mean": VALUES}),
        (CASES["table"][0], {"median": VALUES}),
    ],
)
def test_other_tensors_are_not_those_of_the_schema(schema, tensors):
    assert features_from_tensors(schema, tensors) is None
