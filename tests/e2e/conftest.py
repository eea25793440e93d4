"""Small real data, one small run that the tests share, and a server in a process of its own."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from PIL import Image

from naiad.cli.main import main
from naiad.home import Address, read_address

SCRIPT = """
import argparse, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--ticks", type=int, default=0)
given = parser.parse_args()
print("channel", sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"])), flush=True)
print("secrets", sorted(name for name in os.environ if name.startswith("NAIAD")), os.path.exists(sys.argv[0] + ".no"))
for tick in range(given.ticks):
    print("tick", tick, flush=True)
    time.sleep(0.25)
print(f"loss: {given.lr / 2}")
if given.lr > 5:
    raise ValueError("lr is too large")
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights.txt").write_text("w")
"""


def write_photos(folder: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 20) -> Path:
    """A folder of images a class: 8×8 grey, each class of its own brightness."""
    random = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = random.integers(0, 60, (8, 8)) + 150 * number
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("trained")
    write_photos(home / "photos")
    arguments = ["train", "mlp", str(home / "photos"), "--epochs", "2", "--out", str(home / "run")]
    assert main(arguments) == 0
    return home


@pytest.fixture
def trained(_trained: Path, tmp_path: Path) -> Path:
    """A folder with ``photos`` and ``run``, of its own for each test."""
    return Path(shutil.copytree(_trained, tmp_path / "trained"))


@dataclass
class Server:
    state: Path
    process: "subprocess.Popen[str]"

    @property
    def address(self) -> Address:
        return read_address(self.state)

    def client(self, service: str) -> Any:
        at = self.address
        return boto3.client(
            service,
            endpoint_url=at.url,
            region_name=at.region,
            aws_access_key_id=at.access_key,
            aws_secret_access_key=at.secret_key,
        )

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def start(self) -> None:
        self.process = started(self.state)


def started(state: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "NAIAD_STATE": str(state)}
    process = subprocess.Popen(
        [sys.executable, "-m", "naiad.cli", "serve", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert any("serving on" in line for line in process.stderr)
    return process


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = tmp_path / "state"
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NAIAD_STATE", str(state))
    running = Server(state, started(state))
    with contextlib.closing(running.client("s3")) as store:
        store.put_object(Bucket="naiad", Key="data/a.txt", Body=b"a")
        store.put_object(Bucket="naiad", Key="data/deep/b.txt", Body=b"b")
        source = io.BytesIO()
        with tarfile.open(fileobj=source, mode="w:gz") as tar:
            info = tarfile.TarInfo("train.py")
            info.size = len(SCRIPT)
            tar.addfile(info, io.BytesIO(SCRIPT.encode()))
        store.put_object(Bucket="naiad", Key="source.tar.gz", Body=source.getvalue())
    yield running
    assert running.end(signal.SIGTERM) == 0
