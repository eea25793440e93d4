"""Small real data, one small run that the tests share, and a server in a process of its own."""

import contextlib
import fcntl
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from PIL import Image

from naiad.cli.main import main
from naiad.home import ServerAddress, read_address

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
    """A folder with ``photos`` and ``run``, trained by the first of pytest-xdist's workers to come. No test changes it."""
    home = shared_folder(tmp_path_factory) / "trained"
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
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
    clients: dict[tuple[str, ServerAddress], Any] = field(default_factory=dict)

    @property
    def address(self) -> ServerAddress:
        return read_address(self.state)

    def client(self, service: str) -> Any:
        """Returns the one client of the service, since tests that poll ask often; another after a restart."""
        at = self.address
        if (service, at) not in self.clients:
            self.clients[service, at] = boto3.client(
                service,
                endpoint_url=at.url,
                region_name=at.region,
                aws_access_key_id=at.access_key,
                aws_secret_access_key=at.secret_key,
            )
        return self.clients[service, at]

    def files(self, folder: str) -> list[Path]:
        """Below a folder of its state, where what runs may make and remove files meanwhile."""
        return [Path(place, name) for place, _, names in os.walk(self.state / folder) for name in names]

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode

    def start(self, *options: str, within: Sequence[str] = ()) -> None:
        self.process = started(self.state, *options, within=within)


def started(state: Path, *options: str, within: Sequence[str] = ()) -> "subprocess.Popen[str]":
    """``within`` is a command that becomes the server.

    What it logs goes into a file beside the state: a pipe that nobody reads would hold it up when it is full.
    """
    environment = {**os.environ, "NAIAD_STATE": str(state)}
    command = [*within, sys.executable, "-m", "naiad.cli", "serve", "--port", "0", "--job-network", "host"]
    command += options or ("--no-warm",)
    log = state.with_name("server.log")
    with log.open("a") as file:
        said = file.tell()
        process = subprocess.Popen(command, env=environment, stderr=file, text=True)
    deadline = time.monotonic() + 60
    while b"serving on" not in log.read_bytes()[said:]:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


@contextlib.contextmanager
def serving(state: Path) -> Iterator[Server]:
    """A server with some data and a script in its bucket; it must end well."""
    running = Server(state, started(state))
    store = running.client("s3")
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


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "state"))
    with serving(tmp_path / "state") as running:
        yield running


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[Server]:
    """One whose state is on a disk of 40 MiB, which is seen through the server's own mounts."""
    within = ("unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=40m,mode=700 naiad "$0" && exec "$@"')
    tried = subprocess.run([*within, "/mnt", "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0 and "CI" not in os.environ:
        pytest.skip(f"no small disk can be mounted here: {tried.stderr.strip()}")
    state = tmp_path / "state"
    state.mkdir()
    process = started(state, within=(*within, str(state)))
    running = Server(Path(f"/proc/{process.pid}/root{state}"), process)
    yield running
    assert running.end(signal.SIGTERM) == 0


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for tests that leave it as it was."""
    with serving(tmp_path_factory.mktemp("shared") / "state") as running:
        yield running


@dataclass(frozen=True)
class Environment:
    """A virtual environment with a client in it that is none of Naiad's."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def run(self, server: Server, program: str, *arguments: str) -> str:
        """Returns the output of a Python program under the variables of ``naiad env``; the program must end well."""
        return self.execute(server, "python", "-W", "ignore", "-c", textwrap.dedent(program), *arguments)

    def execute(self, server: Server, *words: str) -> str:
        done = subprocess.run(
            [self.bin / words[0], *words[1:]],
            env=client_variables(server),
            cwd=server.state.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout + done.stderr


def client_variables(server: Server) -> dict[str, str]:
    shown = subprocess.run(
        [sys.executable, "-m", "naiad.cli", "env", "--json"],
        env={**os.environ, "NAIAD_STATE": str(server.state)},
        capture_output=True,
        text=True,
        check=True,
    )
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    return {"PATH": os.environ["PATH"], "HOME": str(server.state.parent), **pip, **json.loads(shown.stdout)}


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of pytest-xdist share."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(factory: pytest.TempPathFactory, name: str, *requirements: str) -> Environment:
    """Made by the first of pytest-xdist's workers to come; the others wait for it and take it as it is."""
    shared = shared_folder(factory)
    folder, done = shared / f"environment-{name}", shared / f"environment-{name}.done"
    with (shared / f"environment-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            venv.create(folder, with_pip=True, clear=True)
            install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
            made = subprocess.run([folder / "bin" / "python", *install], capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stderr[-2000:]
            done.touch()
    return Environment(folder)


@pytest.fixture
def sdk_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Port 7777 of this machine, at which the SDK's scripts have instances meet: for one of the tests' servers at a time."""
    with (shared_folder(tmp_path_factory) / "sdk-port.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def sdk2(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return made_once(tmp_path_factory, "sdk2", "sagemaker>=2.250,<3")


@pytest.fixture(scope="session")
def sdk3(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return made_once(tmp_path_factory, "sdk3", "sagemaker>=3.20,<4")


@pytest.fixture(scope="session")
def s3_clients(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Apart from Naiad's own, since s3fs pins another botocore."""
    return made_once(tmp_path_factory, "s3_clients", "s3fs>=2025.1", "pyarrow>=18")


@pytest.fixture
def variables_of() -> Callable[[Server], dict[str, str]]:
    return client_variables
