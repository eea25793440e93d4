"""Builds the features module of a schema from the statistics that an artifact keeps: tensors by name, and nothing that runs."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from naiad.trainer.data.dataset import InputSchema
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema
from naiad.trainer.data.features.deep_image import DeepImageSchema
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.data.features.table import TableFeatures, TableSchema
from naiad.trainer.data.features.target_statistics import TargetStatistics
from naiad.trainer.data.features.tokens import TokenFeatures, TokenSchema


def features_from_tensors(schema: InputSchema, tensors: Mapping[str, Tensor]) -> nn.Module | None:
    """Returns the module with the tensors as its state; None where they are not the state of this schema's features.

    It never takes more memory than the tensors: their shapes are compared with the schema first.
    """
    features = _blank_features(schema, tensors)
    if features is None:
        return None
    state = features.state_dict()
    if state.keys() != tensors.keys() or any(not _is_alike(state[name], tensors[name]) for name in state):
        return None
    features.load_state_dict(dict(tensors))
    return features.eval()


def _blank_features(schema: InputSchema, tensors: Mapping[str, Tensor]) -> nn.Module | None:
    if isinstance(schema, TokenSchema):
        return TokenFeatures()
    if isinstance(schema, ImageSchema):
        return ImageFeatures.unit_range(schema.channels) if _count(tensors, "scale") == schema.channels else None
    if isinstance(schema, ArraySchema | DeepImageSchema):
        axis, shape = (schema.feature_axis if isinstance(schema, ArraySchema) else 0), schema.sample_shape
        if not tensors:
            return nn.Identity()
        is_of_shape = 0 <= axis < len(shape) and _count(tensors, "mean") == shape[axis]
        return ArrayFeatures.identity(shape, axis=axis) if is_of_shape else None
    return _blank_table_features(tensors) if isinstance(schema, TableSchema) else None


def _blank_table_features(tensors: Mapping[str, Tensor]) -> TableFeatures:
    numbers, hot = _count(tensors, "median"), min(_count(tensors, "hot_slots"), _count(tensors, "hot_codes"))
    statistics = None
    if "statistics.table" in tensors:
        columns = [0] * _count(tensors, "statistics.column_slots")
        statistics = TargetStatistics(columns, columns, columns, torch.zeros_like(tensors["statistics.table"]))
    return TableFeatures(
        torch.zeros(numbers),
        torch.zeros(numbers),
        torch.ones(numbers),
        numbers=[0] * numbers,
        flags=[0] * _count(tensors, "flag_slots"),
        hot=[(0, 0)] * hot,
        statistics=statistics,
    )


def _count(tensors: Mapping[str, Tensor], name: str) -> int:
    """Returns the number of values, 0 where there is no such tensor."""
    return tensors[name].numel() if name in tensors else 0


def _is_alike(own: Tensor, stored: Tensor) -> bool:
    return own.shape == stored.shape and own.dtype == stored.dtype
