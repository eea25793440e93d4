"""README's code runs as it stands there, in order, on a small stand-in for Fashion-MNIST."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from naiad.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def small_fashion_mnist(folder: Path) -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part, count in (("train", 200), ("t10k", 50)):
        labels = np.arange(count) % 10
        images = random.integers(0, 100, (count, 28, 28)) + labels[:, None, None] * 15
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)


def test_first_code_is_near_the_top() -> None:
    assert "```" in "\n".join(README.splitlines()[:25])


def test_python_runs(tmp_path: Path) -> None:
    small_fashion_mnist(tmp_path / "cache" / "fashion-mnist")
    program = tmp_path / "readme.py"
    program.write_text("\n".join(re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)), encoding="utf-8")
    environment = {**os.environ, "NAIAD_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", str(program)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "shoes" / "report.html").exists()


def test_its_commands_exist() -> None:
    known = {command.name for command in (*app.registered_commands, *app.registered_groups)}
    shown = set(re.findall(r"^naiad ([a-z-]+)", README, flags=re.MULTILINE))
    assert shown <= known
    assert len(shown) >= 7


def test_its_links_lead_somewhere() -> None:
    text = README + (ROOT / "CONTRIBUTING.md").read_text("utf-8") + (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []
