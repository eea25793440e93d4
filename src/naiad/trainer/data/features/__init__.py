"""Encoding of samples as a network's input: a schema and a features module for each kind of data."""

from typing import Any

from naiad.errors import ArtifactError
from naiad.trainer.data.dataset import InputSchema
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.deep_image import DeepImageSchema
from naiad.trainer.data.features.image import ImageSchema
from naiad.trainer.data.features.table import TableSchema
from naiad.trainer.data.features.tokens import TokenSchema


def schema_from_json(values: dict[str, Any]) -> InputSchema:
    """Returns the schema whose ``to_json`` made ``values``. Raises ArtifactError."""
    kind = values.get("kind")
    try:
        match kind:
            case "image":
                return ImageSchema.from_json(values)
            case "deep_image":
                return DeepImageSchema.from_json(values)
            case "array":
                return ArraySchema.from_json(values)
            case "tokens":
                return TokenSchema.from_json(values)
            case "table":
                return TableSchema.from_json(values)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"the input schema of kind {kind} is incomplete: {error!r}") from error
    raise ArtifactError(f"the input schema is of kind {kind!r}, which this version does not know")
