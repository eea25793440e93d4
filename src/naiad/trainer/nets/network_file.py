"""Loads a network from the user's own file: ``file.py:Class``.

The file runs as a module with a private name, so it replaces no module that is imported already. Its text goes into the artifact.
"""

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from torch import nn

from naiad.errors import NetworkError, did_you_mean
from naiad.trainer.nets.network_source import NetworkSource

MODULE_PREFIX = "_naiad_network_"
"""Prefix of the names under which files are imported."""


def is_file_reference(text: str) -> bool:
    """Whether ``text`` is ``file.py:Class`` or ``file.py``."""
    return text.rpartition(":")[0].endswith(".py") or text.endswith(".py")


def load_network_file(reference: str) -> tuple[nn.Module, NetworkSource]:
    """Returns an instance of the class that ``file.py:Class`` names. Raises NetworkError.

    A file with a single network needs no ``:Class``.
    """
    net_class, source = load_network_class(reference)
    return instantiate(net_class), source


def load_network_class(reference: str) -> tuple[type[nn.Module], NetworkSource]:
    """Returns the class that ``file.py:Class`` names. Raises NetworkError."""
    file, name = _parse_reference(reference)
    source = _read_source(file)
    module = _import_source(file, source)
    net_class = _network_class(module, file, name)
    return net_class, NetworkSource(net_class.__name__, registered=False, source=source)


def instantiate(net_class: type[nn.Module]) -> nn.Module:
    """Raises NetworkError where the class cannot be instantiated without arguments."""
    required = _required_arguments(net_class)
    if required:
        raise NetworkError(
            f"{net_class.__name__} cannot be made without arguments: it needs {', '.join(required)}",
            hint=f"give them defaults, or pass an instance in Python: naiad.fit({net_class.__name__}(…), data)",
        )
    try:
        return net_class()
    except NetworkError:
        raise
    except Exception as error:
        line = _format_error_line(error, _file_of(net_class))
        raise NetworkError(f"{net_class.__name__}() raised {_format_error(error)}{line}") from error


def _parse_reference(reference: str) -> tuple[Path, str | None]:
    if reference.endswith(".py"):
        return Path(reference).expanduser(), None
    file, _, name = reference.rpartition(":")
    return Path(file).expanduser(), name or None


def _read_source(file: Path) -> str:
    if not file.is_file():
        folder = file.parent
        siblings = [str(other) for other in folder.glob("*.py")] if folder.is_dir() else []
        hint = did_you_mean(str(file), siblings) if siblings else f"{folder.resolve()} holds no Python file"
        raise NetworkError(f"no network file {file}", hint=hint)
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NetworkError(f"cannot read {file}: {error}") from error


def _import_source(file: Path, source: str) -> ModuleType:
    digest = hashlib.sha256(f"{file.resolve()}\n{source}".encode(errors="backslashreplace")).hexdigest()[:16]
    name = f"{MODULE_PREFIX}{digest}"
    spec = importlib.util.spec_from_file_location(name, file.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and inspect look a class's module up here
    try:
        with _folder_on_path(file):
            exec(compile(source, str(file.resolve()), "exec"), module.__dict__)  # noqa: S102  # reason: the user's own file
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise NetworkError(
            f"{file} cannot be imported: {_format_error(error)}{_format_error_line(error, file)}"
        ) from error
    return module


@contextmanager
def _folder_on_path(file: Path) -> Iterator[None]:
    """Lets the file import other files of its folder, as when Python runs it."""
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _network_class(module: ModuleType, file: Path, name: str | None) -> type[nn.Module]:
    own = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == module.__name__
    }
    if name is None:
        if len(own) != 1:
            raise NetworkError(
                f"{file} must define one network, but defines {', '.join(own) or 'none'}",
                hint=f"name one: {file}:Class" if own else "write a class that inherits from torch.nn.Module",
            )
        return next(iter(own.values()))
    if not hasattr(module, name):
        raise NetworkError(
            f"{file} has no class {name!r}", hint=did_you_mean(name, own) if own else "it defines no network"
        )
    value = getattr(module, name)
    if not isinstance(value, type) or not issubclass(value, nn.Module):
        raise NetworkError(
            f"{name} of {file} is no network: it is {_format_kind(value)}",
            hint=f"write it as `class {name}(torch.nn.Module)`",
        )
    return value


def _required_arguments(net_class: type[nn.Module]) -> list[str]:
    try:
        parameters = inspect.signature(net_class).parameters.values()
    except ValueError:  # a class written in C has no signature; calling it will show
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [each.name for each in parameters if each.default is each.empty and each.kind not in optional]


def _format_kind(value: object) -> str:
    return "a class without torch.nn.Module" if isinstance(value, type) else f"of type {type(value).__name__}"


def _file_of(net_class: type[nn.Module]) -> Path | None:
    try:
        return Path(inspect.getfile(net_class))
    except (TypeError, OSError):
        return None


def _format_error(error: BaseException) -> str:
    text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _format_error_line(error: BaseException, file: Path | None) -> str:
    """Returns `` (line 12: x = 1 / 0)`` for the deepest line of ``file`` that the error passed through; empty if none."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f" (line {error.lineno}: {(error.text or '').strip()})"
    path = str(file.resolve()) if file else ""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f" (line {frames[-1].lineno}: {frames[-1].line})" if frames else ""
