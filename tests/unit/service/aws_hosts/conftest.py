"""The proxy on loopback in front of a small HTTP server; the only way out of the machine is a proxy that records requests."""

import datetime as dt
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from naiad.service.aws_hosts.connect_proxy import DEFAULT_LIMITS, ProxyLimits
from naiad.service.aws_hosts.connect_request import HostPort
from naiad.service.aws_hosts.passthrough import Passthrough
from naiad.service.aws_hosts.proxy_thread import AwsHostsProxy


@dataclass
class FakeClock:
    time: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def now(self) -> dt.datetime:
        return self.time


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = f"{self.headers['host']} {self.path} {len(body)}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *parts: object) -> None: ...


class Echo(socketserver.StreamRequestHandler):
    """Sends back what comes, and "goodbye" after the end: a half-closed tunnel must deliver it."""

    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)
        self.request.sendall(b"goodbye")


@contextmanager
def serve_in_thread(server: socketserver.TCPServer) -> Iterator[int]:
    """Yields the server's port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def gateway() -> Iterator[int]:
    with serve_in_thread(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@pytest.fixture
def echo() -> Iterator[int]:
    with serve_in_thread(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)) as port:
        yield port


@dataclass
class RecordingProxy:
    """A proxy on the way out of the machine: it records the first line of each request and refuses it."""

    port: int
    requests: list[str]


@pytest.fixture
def outside() -> Iterator[RecordingProxy]:
    requests: list[str] = []

    class Recorder(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            requests.append(self.rfile.readline().decode().strip())
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 403 Not from here\r\ncontent-length: 0\r\n\r\n")

    with serve_in_thread(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Recorder)) as port:
        yield RecordingProxy(port, requests)


@dataclass
class RunningProxy:
    hosts: AwsHostsProxy
    end: Callable[[], None]

    def send(self, request: bytes) -> socket.socket:
        """Returns a new connection on which the bytes were sent."""
        port = urlsplit(self.hosts.proxy_url).port
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(request)
        return connection

    def connect(self, target: str) -> socket.socket:
        connection = self.send(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode())
        assert connection.recv(1024) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        return connection

    def connect_tls(self, host: str, *, sni: str | None = None) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.hosts.bundle))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        connection = self.connect(f"{host}:443")
        try:
            return context.wrap_socket(connection, server_hostname=sni if sni is not None else host)
        except BaseException:
            connection.close()
            raise


Start = Callable[..., RunningProxy]


@pytest.fixture
def start(tmp_path: Path, gateway: int, outside: RecordingProxy, clock: FakeClock) -> Iterator[Start]:
    with ExitStack() as stack:

        def start_proxy(limits: ProxyLimits = DEFAULT_LIMITS) -> RunningProxy:
            listening = socket.create_server(("127.0.0.1", 0))
            folder = tmp_path / "aws-hosts"
            proxies = {"https": f"http://127.0.0.1:{outside.port}"}
            passthrough = Passthrough(proxies, own_port=listening.getsockname()[1])
            address = HostPort("127.0.0.1", gateway)
            hosts = AwsHostsProxy(folder, listening, address, passthrough, clock=clock, environment={}, limits=limits)
            return RunningProxy(stack.enter_context(hosts), stack.close)

        yield start_proxy
