"""Handler for SageMaker's convention of a model with code: functions of ``code/inference.py`` load, parse, predict and write.

script_defaults.py stands in for functions that are left out. A function may take one more argument, which is the context.
"""

import inspect
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from naiad.service.endpoints.worker import script_defaults
from naiad.service.endpoints.worker.inference import (
    MAX_MESSAGE_CHARACTERS,
    InferenceError,
    InferenceRequest,
    InferenceResponse,
    error_response,
    failure_message,
)
from naiad.service.endpoints.worker.media_types import choose_media_type, parse_media_type, preferred_media_type
from naiad.service.endpoints.worker.module_loader import import_file

_LOG = logging.getLogger("naiad.worker")
_PROGRAM = "SAGEMAKER_PROGRAM"
_DEFAULT_SCRIPT = "inference.py"
_TEXT_TYPES = (
    "application/json",
    "application/jsonlines",
    "application/jsonl",
    "application/x-jsonlines",
    "application/xml",
)
_ARGUMENT_COUNTS = {"model_fn": 1, "input_fn": 2, "predict_fn": 2, "output_fn": 2, "transform_fn": 4}


@dataclass
class ScriptContext:
    """Context for functions that take one. A function may set ``custom_attributes`` for the response."""

    system_properties: Mapping[str, str]
    custom_attributes: str = ""
    request: Mapping[str, str] = field(default_factory=dict)


class ScriptHandler:
    """Answers one request at a time.

    The constructor raises InferenceError 424, with file and line, when the script or its model cannot be loaded.
    """

    max_batch_size = 1

    def __init__(self, model_folder: Path, environment: Mapping[str, str]) -> None:
        self._code = model_folder / "code"
        self._properties = {"model_dir": str(model_folder)}
        module = _import_script(self._code, environment)
        if all(hasattr(module, name) for name in ("transform_fn", "predict_fn")):
            raise InferenceError(424, f"{module.__name__} has transform_fn and predict_fn: give one or the other")
        self._functions = {name: getattr(module, name) for name in _ARGUMENT_COUNTS if hasattr(module, name)}
        load = self._functions.get("model_fn")
        try:
            self._model = (
                _call_with_context("model_fn", load, str(model_folder), context=ScriptContext(self._properties))
                if load is not None
                else script_defaults.model_fn(model_folder, environment)
            )
        except InferenceError:
            raise
        except Exception as error:
            raise InferenceError(424, _describe_error(error, self._code)) from error

    def handle(self, requests: Sequence[InferenceRequest]) -> list[InferenceResponse]:
        return [self._respond(request) for request in requests]

    def _respond(self, request: InferenceRequest) -> InferenceResponse:
        headers = {"Content-Type": request.content_type}
        context = ScriptContext(self._properties, request.custom_attributes, headers)
        try:
            return self._transform(request, context)
        except InferenceError as error:
            return error_response(error.status, str(error))
        except Exception as error:  # noqa: BLE001  # reason: the user's code may raise anything, and the replica goes on
            _LOG.exception("request %s: the script failed", request.request_id)
            return error_response(424, _describe_error(error, self._code))

    def _transform(self, request: InferenceRequest, context: ScriptContext) -> InferenceResponse:
        content_type = request.content_type or "application/json"
        accept = self._choose_accept(request.accept)
        body = _decode_body(request.body, content_type)
        if "transform_fn" in self._functions:
            result = self._call("transform_fn", context, self._model, body, content_type, accept)
        else:
            data = self._call("input_fn", context, body, content_type)
            prediction = self._call("predict_fn", context, data, self._model)
            result = self._call("output_fn", context, prediction, accept)
        return _make_response(result, accept, context)

    def _choose_accept(self, accept: str) -> str:
        """Returns the one type that the script is asked for; JSON where any type will do."""
        if self._functions.keys().isdisjoint(("output_fn", "transform_fn")):
            chosen = choose_media_type(accept, script_defaults.RESPONSE_TYPES)
            if chosen is not None:
                return chosen
        preferred = preferred_media_type(accept)
        return preferred if preferred and "*" not in preferred else "application/json"

    def _call(self, name: str, context: ScriptContext, *arguments: Any) -> Any:
        function = self._functions.get(name)
        if function is None:
            return getattr(script_defaults, name)(*arguments)
        return _call_with_context(name, function, *arguments, context=context)


def _call_with_context(name: str, function: Callable[..., Any], *arguments: Any, context: ScriptContext) -> Any:
    """Calls a function of the script, with the context where it has a parameter for it."""
    parameters = inspect.signature(function).parameters.values()
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    has_more = len(positional) > _ARGUMENT_COUNTS[name] or any(one.kind is one.VAR_POSITIONAL for one in parameters)
    return function(*arguments, context) if has_more else function(*arguments)


def _import_script(code: Path, environment: Mapping[str, str]) -> ModuleType:
    """Returns an empty module when there is no script. Raises InferenceError 424."""
    name = environment.get(_PROGRAM, _DEFAULT_SCRIPT)
    path = code / name
    if not path.is_file():
        if _PROGRAM in environment:
            raise InferenceError(424, f"the model has no code/{name}, which SAGEMAKER_PROGRAM names")
        return ModuleType("no_script")
    try:
        return import_file(path, register=True)
    except InferenceError:
        raise
    except Exception as error:
        raise InferenceError(424, _describe_error(error, code)) from error


def _decode_body(body: bytes, content_type: str) -> str | bytes:
    """Returns text for content types that are text, else the bytes. Raises InferenceError 400."""
    name, _ = parse_media_type(content_type)
    if name not in _TEXT_TYPES and not name.startswith("text/"):
        return body
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InferenceError(400, f"the body is not UTF-8: {error.reason} at byte {error.start}") from None


def _make_response(result: Any, accept: str, context: ScriptContext) -> InferenceResponse:
    """Returns the response. result: bytes, a text, (one of them, its content type), or a generator of chunks to stream."""
    content_type = accept
    if isinstance(result, tuple) and len(result) == 2:
        result, content_type = result[0], str(result[1])
    if isinstance(result, str):
        result = result.encode()
    if isinstance(result, bytes | bytearray | memoryview):
        return InferenceResponse(200, bytes(result), content_type, context.custom_attributes)
    if isinstance(result, Iterator):
        return InferenceResponse(200, _encode_chunks(result), content_type, context.custom_attributes)
    kind = type(result).__name__
    raise InferenceError(424, f"output_fn returned {kind}; return bytes, a text, or an iterator of them")


def _encode_chunks(chunks: Iterator[Any]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk.encode() if isinstance(chunk, str) else bytes(chunk)


def _describe_error(error: BaseException, code: Path) -> str:
    """Returns the error with the last line of the user's code that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(code)]
    place = f" ({Path(own[-1].filename).relative_to(code)}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError) and error.filename:
        message = f"{type(error).__name__}: {error.msg}"[:MAX_MESSAGE_CHARACTERS]
        return f"{message} ({Path(error.filename).name}, line {error.lineno})"
    return failure_message(error) + place
