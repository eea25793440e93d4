"""The virtual environment of a job, over the packages of the server.

pip and imports see the server's packages in it, so that nothing is downloaded twice. What a job adds, upgrades or removes stays
in its own folder. The files are written here, because the module ``venv`` would take longer than the rest of a job's start.
"""

import os
import site
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

_PIP_VARIABLES = (
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
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_NETWORK_VARIABLES = (
    *_PROXY_VARIABLES,
    *map(str.lower, _PROXY_VARIABLES),
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""Variables that pip reads and other programs too. They are set only while pip runs."""
_FOLDER = "python"


def create_virtual_environment(ml: Path) -> None:
    """Creates the environment in the folder ``ml``, or brings one that is there up to date."""
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
    server_packages = sysconfig.get_path("purelib")
    (site_packages / "naiad-server.pth").write_text(f"import site; site.addsitedir({server_packages!r})\n", "utf-8")


def environment_variables(root: Path) -> dict[str, str]:
    """Returns the variables with which a program uses the environment. ``root`` is where the program sees the folder ``ml``.

    PIP_PYTHON makes the pip of any other interpreter install into it as well.
    """
    folder = root / _FOLDER
    paths = (folder / "bin", Path(sys.executable).parent)
    return {
        "PATH": ":".join(map(str, paths)) + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": str(_site_packages(folder)),
        "PIP_PYTHON": str(folder / "bin" / "python"),
    }


def pip_settings() -> dict[str, str]:
    """Returns the server's own pip variables, which every pip of a job uses."""
    return {name: os.environ[name] for name in _PIP_VARIABLES if name in os.environ}


def install_command(
    packages: Sequence[str], request_variables: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Returns the command that installs ``packages``, arguments of ``pip install``, and the variables that it needs.

    pip gets the server's proxies and certificates, and the program does not: its requests are its own. Those that the request
    itself sets are kept.
    """
    variables = {
        name: os.environ[name] for name in _NETWORK_VARIABLES if name in os.environ and name not in request_variables
    }
    return ("python", "-m", "pip", "install", "--disable-pip-version-check", *packages), variables


def _sees_system_packages() -> str:
    """Returns the setting of the server's own interpreter. Otherwise pip would count packages that the server's scripts
    (torchrun) do not find.
    """
    return str(sys.base_prefix in site.PREFIXES).lower()


def _site_packages(folder: Path) -> Path:
    major, minor = sys.version_info[:2]
    return folder / "lib" / f"python{major}.{minor}" / "site-packages"
