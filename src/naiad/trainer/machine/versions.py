"""When and with which libraries something was made."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("naiad", "torch", "torchvision", "numpy", "safetensors", "onnx")


def libraries() -> dict[str, str]:
    """Versions of python and of what an artifact depends on; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def now_utc() -> str:
    """ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
