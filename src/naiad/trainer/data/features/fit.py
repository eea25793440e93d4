"""Fits the features module of a schema to the training split."""

from torch import Tensor, nn

from naiad.errors import OptionError
from naiad.trainer.data.dataset import InputSchema, Samples, TensorSamples
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema, fit_array_features
from naiad.trainer.data.features.deep_image import DeepImageSchema
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema, fit_image_features
from naiad.trainer.data.features.table import TableFeatures, TableSchema, fit_table_features
from naiad.trainer.data.features.target_statistics import StatisticTargets
from naiad.trainer.data.features.tokens import TokenFeatures, TokenSchema

_MAX_LISTED = 4
"""Columns whose statistics are listed one by one."""


def fit_input_features(
    schema: InputSchema,
    samples: Samples,
    *,
    seed: int,
    normalise: bool = True,
    targets: StatisticTargets | None = None,
) -> nn.Module:
    """Returns a module that normalises by the statistics of ``samples``, the training split as the schema encodes it.

    seed: draws the samples for statistics where samples are streamed. normalise: False leaves arrays as they are, NaN as 0,
    and scales pixels to 0…1; raises OptionError for tables. targets: for a table with columns of many categories.
    """
    if isinstance(schema, ImageSchema):
        return fit_image_features(samples, seed=seed) if normalise else ImageFeatures.unit_range(schema.channels)
    if isinstance(schema, ArraySchema | DeepImageSchema):
        axis = schema.feature_axis if isinstance(schema, ArraySchema) else 0
        if not normalise:
            return ArrayFeatures.identity(schema.sample_shape, axis=axis)
        return fit_array_features(samples, seed=seed, axis=axis)
    if isinstance(schema, TokenSchema):
        return TokenFeatures()
    if not normalise:
        raise OptionError(
            "normalisation is off, but a table's columns have units of their own and are always standardised",
            hint="leave normalisation out, or give arrays that are scaled already",
        )
    assert isinstance(schema, TableSchema)  # reason: there are no other kinds of schemas
    assert isinstance(samples, TensorSamples)  # reason: tables are always in memory
    return fit_table_features(schema, samples.tensor, targets)


def format_statistics(features: nn.Module) -> str | None:
    """Returns the means and deviations that inputs are normalised by, as text; None where there are none."""
    if isinstance(features, ImageFeatures):
        return _format_each(features.mean, features.std) + " of 0…255"
    if isinstance(features, ArrayFeatures | TableFeatures) and features.mean.numel():
        mean, std = features.mean.flatten(), 1 / features.inverse_std.flatten()
        std = std[std.isfinite()]
        if len(mean) <= _MAX_LISTED and len(std) == len(mean):
            return _format_each(mean, std)
        if len(std):
            return f"{len(mean)} columns: mean {mean.min():.4g}…{mean.max():.4g}, deviation {std.min():.4g}…{std.max():.4g}"
    return None


def _format_each(mean: Tensor, std: Tensor) -> str:
    pairs = zip(mean.tolist(), std.tolist(), strict=True)
    return ", ".join(f"mean {each_mean:.4g} deviation {each_std:.4g}" for each_mean, each_std in pairs)
