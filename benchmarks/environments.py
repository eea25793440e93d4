"""Environments of the peers: each has its own packages, and this interpreter's torch, torchvision and numpy behind them.

An environment's site-packages come first and the shared ones after, by a .pth file, so torch is the same for all and is
installed once. Peers are installed without their dependencies; what they lack is listed here.
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


def python_of(peer: str, folder: Path) -> str:
    """The interpreter of a peer's environment; this one's where the peer needs nothing else."""
    if peer not in PACKAGES:
        return sys.executable
    found = folder / peer / "bin" / "python"
    if not found.exists():
        raise SystemExit(f"{peer} has no environment in {folder}: run with --build")
    return str(found)


def build(peer: str, folder: Path) -> None:
    """Makes the environment, or brings it up to date."""
    home = folder / peer
    if not (home / "bin" / "python").exists():
        _say("-m", "venv", str(home))
    inside = str(home / "bin" / "python")
    where = subprocess.check_output(
        [inside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    Path(where, "shared.pth").write_text(f"{Path(sysconfig.get_path('purelib')).resolve()}\n", encoding="utf-8")
    _say(
        "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--ignore-installed",
        *PACKAGES[peer], python=inside,
    )  # fmt: skip


def version(peer: str) -> str:
    """As LOG.md has it; empty where the peer is no package."""
    return PACKAGES[peer][0].replace("==", " ") if peer in PACKAGES else ""


def _say(*arguments: str, python: str = sys.executable) -> None:
    subprocess.run([python, *arguments], check=True)
