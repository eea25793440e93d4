"""The features module of a schema, with its statistics from the training split."""

from torch import nn

from naiad.trainer.data.dataset import InputSchema, Samples, TensorSamples
from naiad.trainer.data.features.array import ArraySchema, fit_array_features
from naiad.trainer.data.features.image import ImageSchema, fit_image_features
from naiad.trainer.data.features.table import TableSchema, fit_features


def fit_input_features(schema: InputSchema, samples: Samples, *, seed: int) -> nn.Module:
    """``samples``: the training split's, as the schema encodes them. ``seed`` chooses among those that are streamed."""
    if isinstance(schema, ImageSchema):
        return fit_image_features(samples, seed=seed)
    if isinstance(schema, ArraySchema):
        return fit_array_features(samples, seed=seed)
    assert isinstance(schema, TableSchema)  # reason: for us: there are three kinds
    assert isinstance(samples, TensorSamples)  # reason: tables are held in memory
    return fit_features(schema, samples.tensor)
