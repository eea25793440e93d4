"""Fixtures of several folders: a PostgreSQL of the tests' own, a web server in this process, and caches."""

import functools
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from botocore.loaders import JSONFileLoader

_READY_WITHIN_S = 60


@pytest.fixture(scope="session", autouse=True)
def own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps the key that signs artifacts in a folder of the tests' own, for the processes that they start, too."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


def programs() -> Path | None:
    """The folder with initdb, pg_ctl and psql; None where PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    if on_path is not None:
        candidates.insert(0, Path(on_path).resolve().parent)
    return next((path for path in candidates if (path / "initdb").exists() and (path / "pg_ctl").exists()), None)


def programs_or_skip() -> Path:
    found = programs()
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("PostgreSQL is not installed, and CI must run its suite: apt-get install postgresql")
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return found


@dataclass(frozen=True)
class Postgres:
    """A server on a socket in ``folder``, which is short (a socket's path has at most 107 bytes)."""

    url: str
    folder: Path
    control: tuple[str | Path, ...]
    port: int
    durable: bool = False

    def start(self) -> None:
        fsync = "on" if self.durable else "off"
        place = f"-c unix_socket_directories={self.folder} -c port={self.port}"
        options = f"-c fsync={fsync} -c listen_addresses='' {place}"
        wait = ("--wait", f"--timeout={_READY_WITHIN_S}", "--log", self.folder / "log")
        _run([*self.control, *wait, "--options", options, "start"])

    def stop(self) -> None:
        """Ends the server as a crash does; pg_ctl reads the pid from its data folder."""
        _run([*self.control, "--wait", "--mode", "immediate", "stop"])


@contextmanager
def running(programs: Path, folder: Path, *, durable: bool = False) -> Iterator[Postgres]:
    """A new server in an empty folder."""
    user = _as_unprivileged(folder)
    data, port = folder / "data", _free_port()
    made = ("--username", "naiad", "--auth", "trust", "--encoding", "UTF8", "--no-sync")
    _run([*user, programs / "initdb", "--pgdata", data, *made])
    url = f"postgresql://naiad@/postgres?host={folder}&port={port}"
    server = Postgres(url, folder, (*user, programs / "pg_ctl", "--pgdata", data), port, durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _as_unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return []
    user = (
        "postgres" if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode == 0 else "nobody"
    )
    shutil.chown(folder, user)
    return ["runuser", "-u", user, "--"]


def _free_port() -> int:
    """Names the socket's file in a folder of our own; nothing listens on the network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str | Path]) -> None:
    """Its output goes to a file: a server that is started keeps it open, and a pipe would never end."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd="/", check=False
        )
        output.seek(0)
        assert done.returncode == 0, f"{command}: {output.read().decode(errors='replace')}"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a server that lives as long as the tests do."""
    programs = programs_or_skip()
    with tempfile.TemporaryDirectory(prefix="naiad-pg-") as folder, running(programs, Path(folder)) as server:
        yield server.url


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server of a test's own, which it may stop and start."""
    programs = programs_or_skip()
    with tempfile.TemporaryDirectory(prefix="naiad-pg-") as folder, running(programs, Path(folder)) as server:
        yield server


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the cache of measurements, and torch's of compiled code, within the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        # torch's cache does not tell apart what was compiled for other instruction sets (ATEN_CPU_CAPABILITY).
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("torchinductor")))
        yield


@pytest.fixture(autouse=True, scope="session")
def parsed_service_descriptions() -> Iterator[None]:
    """Parses botocore's descriptions of services once, and not for each session: that of SageMaker takes 0.2 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", staticmethod(functools.cache(JSONFileLoader().load_file)))
        yield


class _ServedApp:
    """The ASGI application that the running test serves."""

    current: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.current(scope, receive, send)


@pytest.fixture(scope="module")
def _web_server() -> Iterator[tuple[_ServedApp, str]]:
    app = _ServedApp()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    yield app, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def serve_app(_web_server: tuple[_ServedApp, str]) -> Iterator[Callable[[Any], str]]:
    """A function that serves an ASGI application until the test ends, and returns the URL. A module shares the server."""
    app, url = _web_server

    def serve(asgi_app: Any) -> str:
        app.current = asgi_app
        return url

    yield serve
    app.current = None


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has torch.export refuse every network, as it refuses some: an export takes longer than the runs of most tests."""

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("this test exports nothing")

    monkeypatch.setattr("torch.export.export", refuse)
