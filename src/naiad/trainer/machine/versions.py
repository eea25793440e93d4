"""The time and the library versions that an artifact was made with."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("naiad", "torch", "torchvision", "numpy", "safetensors", "onnx")


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that an artifact depends on; a library that is not installed is left out."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def utc_timestamp() -> str:
    """The present in ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
