"""Clients that use AWS's own hosts, on a machine whose only way out is a proxy that records requests."""

import base64
import contextlib
import datetime as dt
import hashlib
import json
import os
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PACKAGES = "packages.test"


@dataclass
class RecordingProxy:
    """``packages_port``: of the one server that can be reached through it; 0 while there is none."""

    requests: list[str]
    certificate: Path
    """The certificate of PACKAGES with its key, like one of a company: the environment of the server names it."""
    packages_port: int = 0


@contextlib.contextmanager
def serve_in_thread(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RecordingProxy]:
    """The proxy that the environment of the server names."""
    proxy = RecordingProxy([], certificate_of(PACKAGES, tmp_path))

    class Handler(socketserver.StreamRequestHandler):
        rbufsize = 0

        def handle(self) -> None:
            address = self.rfile.readline().decode().split()[1]
            while self.rfile.readline().strip():
                pass
            proxy.requests.append(address)
            if address != f"{PACKAGES}:443":
                self.wfile.write(b"HTTP/1.1 403 Not from here\r\ncontent-length: 0\r\n\r\n")
                return
            self.wfile.write(b"HTTP/1.1 200 Go on\r\n\r\n")
            with socket.create_connection(("127.0.0.1", proxy.packages_port)) as server:
                back = threading.Thread(target=copy, args=(server, self.request))
                back.start()
                copy(self.request, server)
                back.join()

    with serve_in_thread(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(proxy.certificate))
        for name in ("https_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield proxy


def copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def cut_off(outside: RecordingProxy, request: pytest.FixtureRequest) -> Any:
    """The server, started after the environment was set."""
    return request.getfixturevalue("server")


def variables(server: Any, *without: str) -> dict[str, str]:

    completed = subprocess.run(
        [sys.executable, "-m", "naiad.cli", "env", "--aws-hosts", "--json"],
        env={**os.environ, "NAIAD_STATE": str(server.state)},
        capture_output=True,
        text=True,
        check=True,
    )
    values = json.loads(completed.stdout)
    return {name: value for name, value in values.items() if name not in without}


def run(server: Any, command: list[str], environment: dict[str, str]) -> str:
    completed = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(server.state.parent), **environment},
        cwd=server.state.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, (completed.stdout + completed.stderr)[-4000:]
    return completed.stdout


def test_boto3_without_an_endpoint(cut_off: Any, outside: RecordingProxy) -> None:
    program = """
        import boto3
        from botocore.config import Config
        from urllib.request import urlopen
        store = boto3.client("s3")
        assert store.meta.endpoint_url.endswith("amazonaws.com")
        store.create_bucket(Bucket="made-here")
        store.put_object(Bucket="made-here", Key="a b/c+d", Body=b"x" * 100_000)
        print(len(store.get_object(Bucket="made-here", Key="a b/c+d")["Body"].read()))
        print([row["Key"] for row in store.list_objects_v2(Bucket="made-here", Prefix="a b/")["Contents"]])
        print([row["Name"] for row in store.list_buckets()["Buckets"]])
        for version in ("s3", "s3v4"):
            signer = boto3.client("s3", config=Config(signature_version=version))
            url = signer.generate_presigned_url("get_object", {"Bucket": "made-here", "Key": "a b/c+d"})
            print(version, len(urlopen(url).read()))
        regional = boto3.client("s3", region_name="eu-central-1", config=Config(s3={"addressing_style": "path"}))
        print(len(regional.get_object(Bucket="made-here", Key="a b/c+d")["Body"].read()))
        print(boto3.client("sagemaker").list_training_jobs()["TrainingJobSummaries"])
        print(boto3.client("sts").get_caller_identity()["Arn"])
        print(boto3.client("iam").get_role(RoleName="naiad")["Role"]["Arn"])
    """
    environment = variables(cut_off, "AWS_ENDPOINT_URL")
    environment["SSL_CERT_FILE"] = environment["AWS_CA_BUNDLE"]  # for urlopen
    lines = run(cut_off, [sys.executable, "-c", textwrap.dedent(program)], environment).splitlines()
    assert lines[:6] == ["100000", "['a b/c+d']", "['made-here', 'naiad']", "s3 100000", "s3v4 100000", "100000"]
    assert lines[6:9] == [
        "[]",
        "arn:aws:sts::000000000000:assumed-role/naiad/default",
        "arn:aws:iam::000000000000:role/naiad",
    ]
    assert outside.requests == []


def test_pip_goes_through_the_tunnel(cut_off: Any, outside: RecordingProxy, tmp_path: Path) -> None:
    write_wheel(tmp_path / "index" / "simple" / "tiny")
    with serve_index(tmp_path / "index", outside.certificate) as port:
        outside.packages_port = port
        environment = variables(cut_off) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1"}
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", "got"]
        run(cut_off, [*command, "--index-url", f"https://{PACKAGES}/simple", "tiny"], environment)
    assert (cut_off.state.parent / "got" / "tiny-1-py3-none-any.whl").is_file()
    assert set(outside.requests) == {f"{PACKAGES}:443"}


def test_a_signal_ends_the_server_with_tunnels_open(cut_off: Any) -> None:
    port = int(variables(cut_off)["HTTPS_PROXY"].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"CONNECT 127.0.0.1:{server.getsockname()[1]} HTTP/1.1\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert cut_off.end(signal.SIGTERM) == 0
        assert client.recv(100) == b""
    cut_off.start()
    assert int(variables(cut_off)["HTTPS_PROXY"].rpartition(":")[2]) == port


@pytest.mark.slow
def test_sdk_2_finds_role_account_and_bucket(cut_off: Any, sdk2: Any, outside: RecordingProxy) -> None:
    program = """
        import sagemaker
        from sagemaker.telemetry.telemetry_logging import _requests_helper
        session = sagemaker.Session()
        print("role", sagemaker.get_execution_role())
        print("bucket", session.default_bucket(), "account", session.account_id())
        url = "https://sm-pysdk-t-us-east-1.s3.us-east-1.amazonaws.com/telemetry?x-accountId=000000000000"
        print("telemetry", _requests_helper(url, 2).status_code)
    """
    check_sdk(cut_off, sdk2, program)
    assert outside.requests == []


@pytest.mark.slow
def test_sdk_3_finds_role_account_and_bucket(cut_off: Any, sdk3: Any, outside: RecordingProxy) -> None:
    program = """
        from sagemaker.core.helper.session_helper import Session, get_execution_role
        from sagemaker.core.telemetry.telemetry_logging import _requests_helper
        session = Session()
        print("role", get_execution_role())
        print("bucket", session.default_bucket(), "account", session.account_id())
        url = "https://sm-pysdk-t-us-east-1.s3.us-east-1.amazonaws.com/telemetry?x-accountId=000000000000"
        print("telemetry", _requests_helper(url, 2).status_code)
    """
    check_sdk(cut_off, sdk3, program)
    assert outside.requests == []


def check_sdk(server: Any, sdk: Any, program: str) -> None:
    environment = variables(server, "SAGEMAKER_USER_CONFIG_OVERRIDE")
    output = run(server, [str(sdk.bin / "python"), "-W", "ignore", "-c", textwrap.dedent(program)], environment)
    assert "role arn:aws:iam::000000000000:role/naiad\n" in output
    assert "bucket sagemaker-us-east-1-000000000000 account 000000000000\n" in output
    assert "telemetry 200\n" in output


def certificate_of(host: str, folder: Path) -> Path:
    """Returns a file with a self-signed certificate and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    ends = now + dt.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - dt.timedelta(days=1), ends)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path = folder / "packages.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return path


def write_wheel(folder: Path) -> None:
    folder.mkdir(parents=True)
    files = {
        "tiny.py": b"",
        "tiny-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1\n",
        "tiny-1.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={digest(content)},{len(content)}\n" for name, content in files.items())
    with zipfile.ZipFile(folder / "tiny-1-py3-none-any.whl", "w") as archive:
        for name, content in (*files.items(), ("tiny-1.dist-info/RECORD", record.encode())):
            archive.writestr(name, content)
    (folder / "index.html").write_text('<!doctype html><a href="tiny-1-py3-none-any.whl">tiny-1-py3-none-any.whl</a>')


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


@contextlib.contextmanager
def serve_index(folder: Path, certificate: Path) -> Iterator[int]:
    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *parts: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serve_in_thread(server) as port:
        yield port
