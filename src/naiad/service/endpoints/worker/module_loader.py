"""Import of a user's Python file by its path."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from naiad.service.endpoints.worker.inference import InferenceError


def import_file(path: Path, *, register: bool = False) -> ModuleType:
    """Imports a file whose siblings may be imported by it. Raises InferenceError 424, or what the file raises.

    register: adds it to ``sys.modules`` under the name of the file.
    """
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InferenceError(424, f"{path.name} is not a Python file; its name must end with .py")
    module = importlib.util.module_from_spec(spec)
    if register:
        sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
