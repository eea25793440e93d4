"""Loads the handler for a model's folder. The only place where the kinds of models meet."""

from collections.abc import Mapping
from pathlib import Path

from naiad.service.endpoints.worker.artifact import open_artifact
from naiad.service.endpoints.worker.artifact_handler import ArtifactHandler, read_output_schema
from naiad.service.endpoints.worker.engines.loader import available_engines, load_engine
from naiad.service.endpoints.worker.handler_port import BatchHandler
from naiad.service.endpoints.worker.input_schema import read_input_schema
from naiad.service.endpoints.worker.model_kind import ModelKind, find_program, model_kind
from naiad.service.endpoints.worker.program_handler import Program
from naiad.service.endpoints.worker.script_handler import ScriptHandler

MAX_BATCH_SIZE = 32


def load_handler(
    model_folder: Path,
    environment: Mapping[str, str],
    engine: str | None = None,
    *,
    max_batch_size: int = MAX_BATCH_SIZE,
) -> BatchHandler | Program:
    """Returns a handler, or a program that gives one when it is started. engine: None takes the first that is available.

    Raises InferenceError, ArtifactError, or what the user's code raises.
    """
    if model_kind(model_folder) is ModelKind.ARTIFACT:
        return _load_artifact_handler(model_folder, engine, max_batch_size)
    program = find_program(model_folder)
    if program is not None:
        return Program(program, environment)
    return ScriptHandler(model_folder, environment)


def _load_artifact_handler(folder: Path, engine: str | None, max_batch_size: int) -> ArtifactHandler:
    artifact = open_artifact(folder)
    name = engine if engine is not None else available_engines(artifact)[0]
    input_schema = read_input_schema(artifact.values["input"])
    output_schema = read_output_schema(artifact.values)
    return ArtifactHandler(load_engine(name, artifact), input_schema, output_schema, max_batch_size)
