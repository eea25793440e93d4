import io

from naiad.service.walls.file_view import Bind, FileView
from naiad.service.walls.launch_request import LaunchRequest, Walls, read_launch_request
from naiad.service.walls.network import OwnNetwork

VIEW = FileView(
    (Bind("/a", "/b", is_writable=True), Bind("/dev/null", "/dev/null", is_device=True)),
    links=(("/bin", "usr/bin"),),
    files=(("/etc/hosts", "127.0.0.1 localhost\n"),),
    hidden=("/state",),
)


def test_a_request_is_read_as_it_was_written() -> None:
    network = OwnNetwork(80, ("/proc/1/ns/net",), ("127.0.53.1",), "nameserver 127.0.53.1\n")
    walls = Walls(VIEW, "/work", "algo-1", 7, 5, 9, ("/sys/fs/cgroup/one",), network)
    for request in (
        LaunchRequest(("python", "a b"), {"SM_HP_LEARNING-RATE": "0.5"}, "/opt/ml/code", walls, (0, 1)),
        LaunchRequest(("true",), {}, "/", Walls(view=None)),
    ):
        assert read_launch_request(io.BytesIO(request.to_bytes())) == request


def test_a_file_without_a_whole_request() -> None:
    assert read_launch_request(io.BytesIO()) is None
    assert read_launch_request(io.BytesIO(b"\0\0")) is None
