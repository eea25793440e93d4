"""What a job installs is its own: a virtual environment over the server's.

pip and imports see the server's packages in it, so that nothing that is there is fetched again; what a job adds, upgrades or
removes stays in its folder. It is laid by hand, since ``venv`` would take longer than the rest of a start.
"""

import os
import site
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

_OF_PIP = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_NO_INDEX",
    "PIP_FIND_LINKS",
    "PIP_CONFIG_FILE",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_TRUSTED_HOST",
    "PIP_PROXY",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_LENT = (*_PROXIES, *map(str.lower, _PROXIES), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What pip reads too, and other programs as well."""
_INSTALL = 'python -m pip install --disable-pip-version-check -r "$1" && shift && unset -v {} && exec "$@"'

_FOLDER = "python"


def make_environment(ml: Path) -> None:
    """Below ``ml``, where it may be already."""
    folder = ml / _FOLDER
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    site_packages = _site_packages(folder)
    site_packages.mkdir(parents=True, exist_ok=True)
    interpreter = Path(sys.executable).resolve()
    for name in ("python", "python3"):
        link = folder / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(interpreter)
    settings = f"home = {interpreter.parent}\ninclude-system-site-packages = {_sees_system_packages()}\n"
    (folder / "pyvenv.cfg").write_text(settings, encoding="utf-8")
    servers = sysconfig.get_path("purelib")
    (site_packages / "naiad-server.pth").write_text(f"import site; site.addsitedir({servers!r})\n", encoding="utf-8")


def variables(root: Path) -> dict[str, str]:
    """``root`` is where the program sees ``ml``. PIP_PYTHON holds for the pip of any other interpreter as well."""
    folder = root / _FOLDER
    paths = (folder / "bin", Path(sys.executable).parent)
    return {
        "PATH": ":".join(map(str, paths)) + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": str(_site_packages(folder)),
        "PIP_PYTHON": str(folder / "bin" / "python"),
    }


def of_pip() -> dict[str, str]:
    """The server's settings of pip, which hold for every pip of a job."""
    return {name: os.environ[name] for name in _OF_PIP if name in os.environ}


def installing(
    requirements: Path, words: Sequence[str], asked: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """(words, variables) that install a file of requirements and become ``words``.

    The server's proxies and certificates are there while pip runs, and not for the program: its requests are its own. Those of
    ``asked``, the request's variables, stay.
    """
    lent = {name: os.environ[name] for name in _LENT if name in os.environ and name not in asked}
    script = _INSTALL.format(" ".join(lent) or "NONE")
    return ("sh", "-c", script, "install", str(requirements), *words), lent


def _sees_system_packages() -> str:
    """As the server itself does: else pip would take as installed what the server's scripts (torchrun) do not find."""
    return str(sys.base_prefix in site.PREFIXES).lower()


def _site_packages(folder: Path) -> Path:
    major, minor = sys.version_info[:2]
    return folder / "lib" / f"python{major}.{minor}" / "site-packages"
