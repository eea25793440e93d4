"""SageMaker's convention for a model with code: functions of ``code/inference.py`` that load, read, predict and write.

What it leaves out is done by defaults.py. A function may take one argument more, which is the context.
"""

import importlib.util
import inspect
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from naiad.service.endpoints.worker import script_defaults
from naiad.service.endpoints.worker.inference import Answer, Invocation, Unfit
from naiad.service.endpoints.worker.media_types import media_type

_LOG = logging.getLogger("naiad.worker")
_PROGRAM = "SAGEMAKER_PROGRAM"
_USUAL = "inference.py"
_TEXTS = (
    "application/json",
    "application/jsonlines",
    "application/jsonl",
    "application/x-jsonlines",
    "application/xml",
)
_ARGUMENTS = {"model_fn": 1, "input_fn": 2, "predict_fn": 2, "output_fn": 2, "transform_fn": 4}
_LONGEST = 1024


@dataclass
class Context:
    """What a function that takes a context is given; it may leave ``custom_attributes`` for the answer."""

    system_properties: Mapping[str, str]
    custom_attributes: str = ""
    request: Mapping[str, str] = field(default_factory=dict)


class ScriptHandler:
    """One invocation at a time. Raises Unfit 424 when the script or its model cannot be loaded, with the file and the line."""

    most_samples = 1

    def __init__(self, model_folder: Path, environment: Mapping[str, str]) -> None:
        self._code = model_folder / "code"
        self._properties = {"model_dir": str(model_folder)}
        module = _loaded(self._code, environment)
        if all(hasattr(module, name) for name in ("transform_fn", "predict_fn")):
            raise Unfit(424, f"{module.__name__} has transform_fn and predict_fn: give one or the other")
        self._functions = {name: getattr(module, name) for name in _ARGUMENTS if hasattr(module, name)}
        load = self._functions.get("model_fn")
        try:
            self._model = (
                self._called("model_fn", load, str(model_folder), context=Context(self._properties))
                if load is not None
                else script_defaults.model_fn(model_folder, environment)
            )
        except Unfit:
            raise
        except Exception as error:
            raise Unfit(424, _place(error, self._code)) from error

    def answer(self, invocations: Sequence[Invocation]) -> list[Answer]:
        return [self._answered(invocation) for invocation in invocations]

    def _answered(self, invocation: Invocation) -> Answer:
        context = Context(self._properties, invocation.custom_attributes, {"Content-Type": invocation.content_type})
        try:
            return self._transformed(invocation, context)
        except Unfit as error:
            return Answer(error.status, str(error).encode("utf-8", "replace"), "text/plain")
        except Exception as error:  # noqa: BLE001  # reason: the user's code may raise anything, and the replica goes on
            _LOG.exception("request %s: the script failed", invocation.request_id)
            return Answer(424, _place(error, self._code).encode("utf-8", "replace"), "text/plain")

    def _transformed(self, invocation: Invocation, context: Context) -> Answer:
        content_type = invocation.content_type or "application/json"
        accept = _wanted(invocation.accept)
        body = _read(invocation.body, content_type)
        if "transform_fn" in self._functions:
            found = self._call("transform_fn", context, self._model, body, content_type, accept)
        else:
            data = self._call("input_fn", context, body, content_type)
            prediction = self._call("predict_fn", context, data, self._model)
            found = self._call("output_fn", context, prediction, accept)
        return _answer(found, accept, context)

    def _call(self, name: str, context: Context, *given: Any) -> Any:
        function = self._functions.get(name)
        if function is None:
            return getattr(script_defaults, name)(*given)
        return self._called(name, function, *given, context=context)

    @staticmethod
    def _called(name: str, function: Callable[..., Any], *given: Any, context: Context) -> Any:
        """With the context, where the function has room for it."""
        parameters = inspect.signature(function).parameters.values()
        places = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        takes_more = len(places) > _ARGUMENTS[name] or any(one.kind is one.VAR_POSITIONAL for one in parameters)
        return function(*given, context) if takes_more else function(*given)


def _loaded(code: Path, environment: Mapping[str, str]) -> ModuleType:
    """An empty module where there is no script."""
    name = environment.get(_PROGRAM, _USUAL)
    path = code / name
    if not path.is_file():
        if _PROGRAM in environment:
            raise Unfit(424, f"the model has no code/{name}, which SAGEMAKER_PROGRAM names")
        return ModuleType("no_script")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Unfit(424, _place(error, code)) from error
    return module


def _read(body: bytes, content_type: str) -> str | bytes:
    name, _ = media_type(content_type)
    if name not in _TEXTS and not name.startswith("text/"):
        return body
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unfit(400, f"the body is no UTF-8: {error.reason} at byte {error.start}") from None


def _wanted(accept: str) -> str:
    """What a script is told: the first of the list; JSON where anything will do."""
    first = media_type(accept.partition(",")[0])[0]
    return first if first and "*" not in first else "application/json"


def _answer(found: Any, accept: str, context: Context) -> Answer:
    """Of bytes, a text, (one of them, its content type), or a generator of parts, which is streamed."""
    content_type = accept
    if isinstance(found, tuple) and len(found) == 2:
        found, content_type = found[0], str(found[1])
    if isinstance(found, str):
        found = found.encode()
    if isinstance(found, bytes | bytearray | memoryview):
        return Answer(200, bytes(found), content_type, context.custom_attributes)
    if isinstance(found, Iterator):
        return Answer(200, _parts(found), content_type, context.custom_attributes)
    raise Unfit(424, f"output_fn gave {type(found).__name__}; give bytes, a text, or an iterator of them")


def _parts(found: Iterator[Any]) -> Iterator[bytes]:
    for part in found:
        yield part.encode() if isinstance(part, str) else bytes(part)


def _place(error: BaseException, code: Path) -> str:
    """The last line of the user's own that the error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(code)]
    at = f" ({Path(own[-1].filename).relative_to(code)}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError) and error.filename:
        return (
            f"{type(error).__name__}: {error.msg}"[:_LONGEST] + f" ({Path(error.filename).name}, line {error.lineno})"
        )
    return f"{type(error).__name__}: {error}"[:_LONGEST] + at
