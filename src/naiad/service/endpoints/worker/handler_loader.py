"""From a model's folder to what answers its invocations. The one place where the kinds of models meet."""

from collections.abc import Mapping
from pathlib import Path

from naiad.service.endpoints.worker.artifact import open_artifact
from naiad.service.endpoints.worker.artifact_handler import ArtifactHandler, described
from naiad.service.endpoints.worker.engines.loader import available_engines, open_engine
from naiad.service.endpoints.worker.inference import BatchHandler, OneHandler
from naiad.service.endpoints.worker.input_schema import read_schema
from naiad.service.endpoints.worker.model_kind import kind_of, open_user_handler

MOST_SAMPLES = 32


def open_handler(
    model_folder: Path, environment: Mapping[str, str], engine: str | None = None, *, most_samples: int = MOST_SAMPLES
) -> BatchHandler | OneHandler:
    """engine: an installed one; the first of them when left out. Raises Unfit, ArtifactError, or what the user's code raises."""
    if kind_of(model_folder) != "artifact":
        return open_user_handler(model_folder, environment)
    artifact = open_artifact(model_folder)
    name = engine if engine is not None else available_engines(artifact)[0]
    schema = read_schema(artifact.values["input"])
    return ArtifactHandler(open_engine(name, artifact), schema, described(artifact.values), most_samples)
