"""README, the tutorial, the how-to pages and the page on inference run as they stand: each is one shell session beside a server.

A fenced block is run unless ``<!-- not run: reason -->`` stands above it. ``<!-- needs: sagemaker 2 -->`` runs it in the SDK's
environment. A Python block that begins with ``# name.py`` is a file. The data are small stand-ins with the names of the pages.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from naiad.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for pattern in ("docs/tutorial/*.md", "docs/how-to/*.md", "docs/concepts/inference.md")
    for page in ROOT.glob(pattern)
)
_BLOCK = re.compile(r"(?:<!-- (?P<note>[^>]*) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", flags=re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    note: str
    """The text of the comment above the block."""


def blocks_of(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [Block(match["language"], match["text"], match["note"] or "") for match in _BLOCK.finditer(text)]


def session(blocks: list[Block], folder: Path, *, sdk_python: Path | None) -> Iterator[str]:
    """Yields the lines of a shell script that runs the blocks; writes their Python into ``folder``."""
    for number, block in enumerate(blocks):
        if block.note.startswith("not run: ") or block.language not in ("sh", "python"):
            continue
        if block.language == "sh":
            yield "\n".join(line for line in block.text.splitlines() if not line.startswith("naiad serve"))
            continue
        file = re.match(r"# (\w+\.py)\n", block.text)
        (folder / (file[1] if file else f"block_{number}.py")).write_text(block.text, encoding="utf-8")
        python = sdk_python if block.note.startswith("needs: sagemaker") else Path(sys.executable)
        if file is None and python is not None:
            yield f"{shlex.quote(str(python))} block_{number}.py"


def write_idx(path: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_data(folder: Path) -> None:
    """Writes the files that the pages name: Fashion-MNIST in small, a folder of photos, a table, two pictures."""
    cache = folder / "cache" / "fashion-mnist"
    cache.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part, count in (("train", 200), ("t10k", 50)):
        labels_N = np.arange(count) % 10
        images_NHW = random.integers(0, 100, (count, 28, 28)) + labels_N[:, None, None] * 15
        write_idx(cache / f"{part}-images-idx3-ubyte", images_NHW)
        write_idx(cache / f"{part}-labels-idx1-ubyte", labels_N)
    for number, name in enumerate(("cat", "dog")):
        (folder / "photos" / name).mkdir(parents=True)
        for index in range(20):
            pixels = random.integers(0, 60, (20, 20)) + 150 * number
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "photos" / name / f"{index}.png")
    rooms_N = random.integers(1, 8, 100)
    rows = [
        f"{rooms},{random.choice(['city', 'village'])},{rooms * 50_000 + 1000 * index}"
        for index, rooms in enumerate(rooms_N)
    ]
    (folder / "houses.csv").write_text("rooms,place,price\n" + "\n".join(rows) + "\n", encoding="utf-8")


def run_page(blocks: list[Block], folder: Path, state: Path, *, sdk_python: Path | None = None) -> str:
    write_data(folder)
    script = "\n".join(session(blocks, folder, sdk_python=sdk_python))
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "NAIAD_CACHE": str(folder / "cache"),
        "NAIAD_STATE": str(state),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_page_runs(page: str, server: Any, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    shown = run_page(blocks_of(page), tmp_path / "page", server.state)
    assert "['0']" in shown or page != "docs/tutorial/first-endpoint.md", "the page names the answer"


@pytest.mark.slow
def test_the_sdk_runs_the_script_of_its_page(server: Any, sdk2: Any, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    page = blocks_of("docs/how-to/sagemaker-script.md")
    shown = run_page(page, tmp_path / "page", server.state, sdk_python=sdk2.bin / "python")
    assert "s3://naiad/my-script-sdk/output/model.tar.gz" in shown


def test_the_call_in_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs README's first Python block in this process."""
    call = next(block for block in blocks_of("README.md") if block.language == "python")
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAIAD_CACHE", str(tmp_path / "cache"))
    exec(call.text, {"__name__": "readme"})
    assert (tmp_path / "runs" / "shoes" / "report.html").exists()


@pytest.mark.slow
def test_readme_runs(server: Any, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of("README.md") if block.language == "python" or "naiad env" in block.text]
    (tmp_path / "page").mkdir()
    run_page(blocks, tmp_path / "page", server.state)
    assert (tmp_path / "page" / "runs" / "shoes" / "report.html").exists()


def test_readme_is_short_and_shows_code_early() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 120
    assert any(line.startswith("```") for line in lines[:25])


def test_commands_in_readme_exist() -> None:
    known = {command.name for command in (*app.registered_commands, *app.registered_groups)}
    shown = set(re.findall(r"^naiad ([a-z-]+)", (ROOT / "README.md").read_text("utf-8"), flags=re.MULTILINE))
    assert shown <= known
    assert len(shown) >= 6


def pages() -> list[str]:
    return [
        "README.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        *(str(page.relative_to(ROOT)) for page in ROOT.rglob("docs/**/*.md")),
    ]


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", [page for page in pages() if "/adr/" not in page and "/reference/" not in page])
def test_lines_are_short(page: str) -> None:
    """A table's row and a line of code may be longer."""
    text = _BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "!"))] == []
