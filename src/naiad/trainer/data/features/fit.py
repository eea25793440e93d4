"""The features module of a schema, with its statistics from the training split."""

from torch import nn

from naiad.errors import OptionError
from naiad.trainer.data.dataset import InputSchema, Samples, TensorSamples
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema, fit_array_features
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema, fit_image_features
from naiad.trainer.data.features.table import TableFeatures, TableSchema, fit_features

_FEW = 4
"""Columns or channels whose statistics are told one by one."""


def fit_input_features(schema: InputSchema, samples: Samples, *, seed: int, normalised: bool = True) -> nn.Module:
    """``samples``: the training split's, as the schema encodes them. ``seed`` chooses among those that are streamed.

    normalised: False leaves arrays as they are, NaN as 0, and brings pixels to 0…1. Raises OptionError for tables then.
    """
    if isinstance(schema, ImageSchema):
        return fit_image_features(samples, seed=seed) if normalised else ImageFeatures.plain(schema.channels)
    if isinstance(schema, ArraySchema):
        return fit_array_features(samples, seed=seed) if normalised else ArrayFeatures.plain(schema.shape)
    if not normalised:
        raise OptionError(
            "normalisation is off, but a table's columns have units of their own, and are standardised",
            hint="leave normalisation out, or give arrays that are scaled as they are to be",
        )
    assert isinstance(schema, TableSchema)  # reason: for us: there are three kinds
    assert isinstance(samples, TensorSamples)  # reason: tables are held in memory
    return fit_features(schema, samples.tensor)


def statistics_told(features: nn.Module) -> str | None:
    """The mean and deviation that inputs are normalised by, for people; None where there are none."""
    if isinstance(features, ImageFeatures):
        channels = zip(features.mean.tolist(), features.std.tolist(), strict=True)
        return ", ".join(f"mean {mean:.4g} deviation {std:.4g}" for mean, std in channels) + " of 0…255"
    if isinstance(features, ArrayFeatures | TableFeatures) and features.mean.numel():
        mean, std = features.mean.flatten(), 1 / features.inverse_std.flatten()
        std = std[std.isfinite()]
        if len(mean) <= _FEW and len(std) == len(mean):
            return ", ".join(
                f"mean {m:.4g} deviation {s:.4g}" for m, s in zip(mean.tolist(), std.tolist(), strict=True)
            )
        if len(std):
            return f"{len(mean)} columns: mean {mean.min():.4g}…{mean.max():.4g}, deviation {std.min():.4g}…{std.max():.4g}"
    return None
