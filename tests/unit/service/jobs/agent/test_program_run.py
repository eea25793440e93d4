"""The walls around a training script, as a new process and from a warm interpreter."""

import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import lines, run, training_spec, wait_until

from naiad.service.domain.status import Phase
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import InstanceSpec
from naiad.service.walls.internet_tools import installed_internet_tools
from naiad.service.walls.support import find_wall_support

pytestmark = pytest.mark.skipif(not find_wall_support().has_namespaces, reason="namespaces are not allowed here")
ESCAPE = """
    import ctypes, os, sys
    libc, state = ctypes.CDLL(None, use_errno=True), sys.argv[sys.argv.index("--state") + 1]
    attempts = {
        "umount": lambda: libc.umount2(b"/opt/ml", 2),
        "umount of proc": lambda: libc.umount2(b"/proc", 2),
        "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        "remount": lambda: libc.mount(None, b"/usr", None, 4096 | 32, None),
        "unshare": lambda: libc.unshare(0x10000000),
        "ptrace": lambda: libc.ptrace(0, 0, 0, 0),
        "setuid": lambda: libc.setuid(1000),
        "keyctl": lambda: libc.syscall(250, 0, 0, 0),
    }
    print("done", [name for name, attempt in attempts.items() if attempt() >= 0])
    print("seen", [path for path in (state, state + "/keys.json", "/etc/shadow", "/boot") if os.path.exists(path)])
    print("processes", sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    print("privileges", int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"].strip())
"""
ORDINARY = """
    import multiprocessing, os, subprocess, tarfile, io
    with tarfile.open("/tmp/a.tar", "w") as tar:
        info = tarfile.TarInfo("file")
        info.uid = info.gid = 4321
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    for line in ("tar -xf /tmp/a.tar -C /tmp", "cp -a /etc/hosts /tmp/hosts", "git init -q /tmp/repository"):
        done = subprocess.run(line.split(), capture_output=True, text=True)
        print(line.split()[0], done.returncode, done.stderr)
    print(open("/tmp/file").read(), multiprocessing.Value("i", 7).value)
    from multiprocessing import shared_memory
    memory = shared_memory.SharedMemory(create=True, size=2**20)
    print(len(memory.buf), os.path.exists("/dev/shm/" + memory.name.lstrip("/")))
    memory.close(); memory.unlink()
"""
REACH = """
    import os, socket
    from urllib.parse import urlsplit
    parts = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    def reach(host, port):
        try:
            with socket.create_connection((host, port), timeout=5) as connection:
                return connection.recv(100).decode()
        except OSError as error:
            return type(error).__name__
    print(reach(parts.hostname, parts.port), reach("127.0.0.1", int(os.environ["OTHER"])))
"""


def completed(executor: LocalExecutor, spec: InstanceSpec) -> list[str]:
    assert run(executor, spec).phase is Phase.COMPLETED, lines(spec)
    return lines(spec)


def test_a_script_stays_inside(executor: LocalExecutor, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "keys.json").write_text("secret")
    spec = training_spec(state, ESCAPE)
    spec.request["HyperParameters"]["state"] = str(state)
    assert completed(executor, spec) == ["done []", "seen []", "processes [1, 2]", "privileges 0 0 1"]


def test_ordinary_things_work_inside(executor: LocalExecutor, tmp_path: Path) -> None:
    """An archive of another user is unpacked, ownership is copied, and processes share memory."""
    assert completed(executor, training_spec(tmp_path, ORDINARY)) == [
        "tar 0 ",
        "cp 0 ",
        "git 0 ",
        "abc 7",
        "1048576 True",
    ]


@pytest.mark.skipif(not find_wall_support().has_network, reason="networks of programs' own are not allowed here")
def test_an_isolated_script_reaches_the_gateway_only(executor: LocalExecutor, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gateway, socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            connection, _ = gateway.accept()
            with connection:
                connection.sendall(b"the gateway")

        threading.Thread(target=answer, daemon=True).start()
        environment = {"OTHER": str(other.getsockname()[1])}
        spec = training_spec(tmp_path, REACH, environment=environment, more={"EnableNetworkIsolation": True})
        spec = replace(spec, endpoint_url=f"http://127.0.0.1:{gateway.getsockname()[1]}")
        assert completed(executor, spec) == ["the gateway ConnectionRefusedError"]


MEET = """
    import os, socket, time
    if os.environ["SM_CURRENT_HOST"] == "algo-1":
        with socket.create_server(("algo-1", 23456)) as listener:
            connection, _ = listener.accept()
            connection.sendall(b"met")
    else:
        while True:
            try:
                print(socket.create_connection(("algo-1", 23456)).recv(10).decode())
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
"""


@pytest.mark.skipif(not find_wall_support().has_network, reason="networks of programs' own are not allowed here")
@pytest.mark.parametrize("network", ["none", "internet"])
def test_the_instances_of_a_job_meet(executor: LocalExecutor, tmp_path: Path, network: str) -> None:
    if network == "internet" and not installed_internet_tools():
        pytest.skip("neither pasta nor slirp4netns can be used")
    first = replace(training_spec(tmp_path, MEET), hosts=("algo-1", "algo-2"), network=network)
    folder = first.instance.folder.with_name("algo-2")
    second = replace(first, instance=replace(first.instance, index=1, folder=folder))
    executor.start(first)
    executor.start(second)
    assert run(executor, second).phase is Phase.COMPLETED, lines(second)
    assert run(executor, first).phase is Phase.COMPLETED, lines(first)
    assert lines(second) == ["met"]
    wait_until(lambda: not (folder.parent / "network.json").exists())


@pytest.mark.skipif(not installed_internet_tools(), reason="neither pasta nor slirp4netns can be used")
@pytest.mark.skipif(not find_wall_support().has_network, reason="networks of programs' own are not allowed here")
def test_a_script_with_the_internet_does_not_reach_the_machine(executor: LocalExecutor, tmp_path: Path) -> None:
    """The way into the internet ends with the script."""
    program = """
        import os, socket
        try:
            socket.create_connection(("127.0.0.1", int(os.environ["OTHER"])), timeout=5)
        except OSError as error:
            print(type(error).__name__, len(socket.if_nameindex()), open("/etc/resolv.conf").readline().strip())
    """
    with socket.create_server(("127.0.0.1", 0)) as other:
        environment = {"OTHER": str(other.getsockname()[1])}
        spec = replace(training_spec(tmp_path, program, environment=environment), network="internet")
        assert completed(executor, spec) == ["ConnectionRefusedError 2 nameserver 127.0.53.1"]
    wait_until(lambda: not (spec.instance.folder / "network.json").exists())
