"""Virtual environments of the peers: each has packages of its own, and shares torch, torchvision and numpy with this interpreter.

A .pth file puts the shared site-packages behind the environment's own, so that torch is the same for all and installed once.
Peers are installed without their dependencies; those that are missing are listed here.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

DEFAULT = Path.home() / ".cache" / "naiad" / "benchmarks"
PACKAGES = {
    "lightning": (
        "pytorch-lightning==2.6.6", "torchmetrics==1.9.0", "lightning-utilities==0.15.3", "tqdm==4.70.1",
        "PyYAML==6.0.3", "fsspec==2026.9.0", "packaging==26.3",
    ),
    "skorch": ("skorch==1.4.0", "tabulate==0.10.0", "tqdm==4.70.1"),
    "keras": ("keras==3.15.1", "h5py==3.16.0", "namex==0.1.0", "optree==0.20.0", "absl-py==2.5.1", "ml_dtypes==0.6.0"),
    "fastai": (
        "fastai==2.8.12", "fastcore==2.2.39", "fastdownload==0.0.8", "fastprogress==1.1.6", "fasttransform==0.0.5",
        "plum-dispatch==2.9.0", "beartype==0.23.1", "python-fasthtml==0.14.14", "itsdangerous==2.2.0",
        "python-multipart==0.0.34", "starlette==1.10.0", "anyio==4.16.0", "httpx==0.28.1", "PyYAML==6.0.3",
        "pandas==3.1.1", "requests==2.34.2", "idna==3.20", "charset-normalizer==3.5.3", "certifi==2026.10.19.post1",
    ),
}  # fmt: skip


def find_python(peer: str, folder: Path) -> str:
    """Returns the interpreter of a peer's environment, or this one for a peer without packages of its own."""
    if peer not in PACKAGES:
        return sys.executable
    python = folder / peer / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"{peer} has no environment in {folder}: run with --build")
    return str(python)


def build_environment(peer: str, folder: Path) -> None:
    """Creates or updates the environment."""
    environment = folder / peer
    if not (environment / "bin" / "python").exists():
        _run_python("-m", "venv", str(environment))
    python = str(environment / "bin" / "python")
    site_packages = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    Path(site_packages, "shared.pth").write_text(f"{Path(sysconfig.get_path('purelib')).resolve()}\n", encoding="utf-8")
    _run_python(
        "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--ignore-installed",
        *PACKAGES[peer], python=python,
    )  # fmt: skip


def version_of(peer: str) -> str:
    """Returns the peer's name and version as in LOG.md; empty for a peer that is not a package."""
    return PACKAGES[peer][0].replace("==", " ") if peer in PACKAGES else ""


def _run_python(*arguments: str, python: str = sys.executable) -> None:
    subprocess.run([python, *arguments], check=True)
