"""Optional packages: which extra of ``pip install`` brings them, and the error for one that is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from naiad.errors import PackageError

EXTRAS = {
    "service": (
        "awscrt",
        "boto3",
        "botocore",
        "cryptography",
        "httptools",
        "onnxruntime",
        "orjson",
        "prometheus_client",
        "sqlalchemy",
        "uvicorn",
        "uvloop",
    ),
    "openvino": ("openvino",),
    "postgres": ("psycopg",),
}
"""Names of modules by extra; a test compares them with pyproject.toml."""
_REPLACEABLE = frozenset({"cryptography", "onnxruntime"})
"""A server without them serves: with --no-aws-hosts, and with torch as its only engine."""


def missing_package_error(package: str) -> PackageError:
    """Returns the error for a package of ``EXTRAS`` that is not installed."""
    extra = _extra_of(package)
    return PackageError(
        f"the package {package} is not installed; it belongs to the extra {extra!r}",
        hint=f"in the clone of Naiad: {install_command(extra)}",
    )


def install_command(extra: str | None) -> str:
    """Returns the command that installs the extra, in the folder of the clone."""
    return f"pip install -e '.[{extra}]'"


def require_extra(extra: str) -> None:
    """Raises PackageError where a package of the extra is missing that nothing replaces."""
    for package in EXTRAS[extra]:
        if package not in _REPLACEABLE and find_spec(package) is None:
            raise missing_package_error(package)


@contextmanager
def explain_missing_packages() -> Iterator[None]:
    """Raises PackageError in the place of a failed import of an optional package."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if _extra_of(package) is None:
            raise
        raise missing_package_error(package) from error


def _extra_of(package: str) -> str | None:
    return next((extra for extra, packages in EXTRAS.items() if package in packages), None)
