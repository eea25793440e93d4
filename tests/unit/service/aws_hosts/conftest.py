"""The proxy on loopback in front of a small HTTP server, and a network outside of which a recording proxy is the only door."""

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

from naiad.service.aws_hosts.head import Target
from naiad.service.aws_hosts.passthrough import Elsewhere
from naiad.service.aws_hosts.proxy import USUAL, Limits
from naiad.service.aws_hosts.running import AwsHosts


@dataclass
class HandClock:
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
    """Gives back what comes, and after the end says goodbye: a half-closed tunnel must bring it."""

    def handle(self) -> None:
        while part := self.request.recv(65536):
            self.request.sendall(part)
        self.request.sendall(b"goodbye")


@contextmanager
def served(server: socketserver.TCPServer) -> Iterator[int]:
    """Its port."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def gateway() -> Iterator[int]:
    with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@pytest.fixture
def echo() -> Iterator[int]:
    with served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)) as port:
        yield port


@dataclass
class Outside:
    """A proxy on the way out of the machine: it writes down what is asked of it and refuses."""

    port: int
    asked: list[str]


@pytest.fixture
def outside() -> Iterator[Outside]:
    asked: list[str] = []

    class Recorder(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().decode().strip())
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 403 Not from here\r\ncontent-length: 0\r\n\r\n")

    with served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Recorder)) as port:
        yield Outside(port, asked)


@dataclass
class Running:
    hosts: AwsHosts
    end: Callable[[], None]

    def asked(self, request: bytes) -> socket.socket:
        """A connection on which the bytes were sent."""
        port = urlsplit(self.hosts.proxy_url).port
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(request)
        return connection

    def connected(self, target: str) -> socket.socket:
        connection = self.asked(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode())
        assert connection.recv(1024) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        return connection

    def secured(self, host: str, *, sni: str | None = None) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.hosts.bundle))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        connection = self.connected(f"{host}:443")
        try:
            return context.wrap_socket(connection, server_hostname=sni if sni is not None else host)
        except BaseException:
            connection.close()
            raise


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path, gateway: int, outside: Outside, clock: HandClock) -> Iterator[Start]:
    with ExitStack() as stack:

        def started(limits: Limits = USUAL) -> Running:
            listening = socket.create_server(("127.0.0.1", 0))
            folder = tmp_path / "aws-hosts"
            proxies = {"https": f"http://127.0.0.1:{outside.port}"}
            elsewhere = Elsewhere(proxies, own_port=listening.getsockname()[1])
            target = Target("127.0.0.1", gateway)
            hosts = AwsHosts(folder, listening, target, elsewhere, clock=clock, environment={}, limits=limits)
            return Running(stack.enter_context(hosts), stack.close)

        yield started
