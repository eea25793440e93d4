"""What a client hears while replicas, or what answers in them, die or stand still: nothing."""

import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

SERVE = f"""#!{sys.executable}
import http.server, json, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self): self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"stream":
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"one", b"two", b"six"):
                self.wfile.write(b"3\\r\\n" + part + b"\\r\\n")
                time.sleep(0.3)
            self.wfile.write(b"0\\r\\n\\r\\n")
            return
        self.answer(400 if body == b"refuse" else 201, json.dumps({{"error": body.decode()}}).encode())
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
Server(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
""".encode()
SCRIPT = b"""
import time
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    time.sleep(0.01)
    if body.startswith("large"):
        return b"x" * (70 * 2**20)
    if body.startswith("typed"):
        return "typed", "text/plain\\r\\nx-own: 1"
    return body
"""


@pytest.fixture(scope="module")
def program(endpoints: Any) -> str:
    return str(endpoints.deploy("lossy-program", {"serve": SERVE}))


@pytest.fixture(scope="module")
def script(endpoints: Any) -> str:
    return str(endpoints.deploy("lossy-script", {"code/inference.py": SCRIPT}))


def processes(endpoints: Any, *words: str) -> list[psutil.Process]:
    """Below the server, with these words among those of their command."""
    found = []
    for process in psutil.Process(endpoints.server.process.pid).children(recursive=True):
        try:
            command = process.cmdline()
        except psutil.Error:
            continue
        if (
            command[:1]
            and command[0].rpartition("/")[2].startswith("python")
            and all(any(one.endswith(word) for one in command[:4]) for word in words)
        ):
            found.append(process)
    return found


@contextmanager
def load(endpoints: Any, name: str, count: int = 4) -> Iterator[Counter[str]]:
    """Clients that do not try again by themselves; what they heard, by its kind."""
    heard: Counter[str] = Counter()
    over, at = threading.Event(), endpoints.server.address

    def client() -> None:
        keys = {"aws_access_key_id": at.access_key, "aws_secret_access_key": at.secret_key}
        once = Config(retries={"max_attempts": 0}, read_timeout=120)
        made = boto3.client("sagemaker-runtime", endpoint_url=at.url, region_name=at.region, config=once, **keys)
        with closing(made) as runtime:
            while not over.is_set():
                try:
                    runtime.invoke_endpoint(EndpointName=name, Body=b"hello", ContentType="text/plain")["Body"].read()
                except ClientError as error:
                    heard[str(error)] += 1
                else:
                    heard["well"] += 1

    threads = [threading.Thread(target=client) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join(120)


def test_a_killed_executable_fails_no_request(endpoints: Any, program: str):
    with load(endpoints, program) as heard:
        for _ in range(2):
            endpoints.until(lambda: len(serves(endpoints)) >= 2)
            before = heard["well"]
            os.kill(serves(endpoints)[0].pid, signal.SIGKILL)
            endpoints.until(lambda before=before: heard["well"] > before + 50)
    assert list(heard) == ["well"]


def serves(endpoints: Any) -> list[psutil.Process]:
    return [one for one in processes(endpoints, "serve") if "worker" not in " ".join(one.cmdline())]


def test_a_replica_that_stands_still_is_replaced_and_fails_no_request(endpoints: Any, script: str):
    def of_script() -> list[psutil.Process]:
        found = processes(endpoints, "naiad.service.endpoints.worker")
        return [one for one in found if one.pid not in others]

    others: set[int] = {one.ppid() for one in serves(endpoints)}
    with load(endpoints, script) as heard:
        endpoints.until(lambda: heard["well"] > 20)
        still = of_script()[0]
        still.suspend()
        endpoints.until(lambda: not still.is_running() or still.status() == psutil.STATUS_ZOMBIE, within_s=30)
        before = heard["well"]
        endpoints.until(lambda: heard["well"] > before + 50)
    assert list(heard) == ["well"]


def test_a_large_answer_comes_whole(endpoints: Any, script: str):
    assert len(endpoints.invoke(script, b"large", "text/plain")["Body"].read()) == 70 * 2**20
    assert endpoints.invoke(script, b"next", "text/plain")["Body"].read() == b"next"


def test_a_content_type_is_one_line(endpoints: Any, script: str):
    answer = endpoints.invoke(script, b"typed", "text/plain")
    assert (answer["ContentType"], answer["Body"].read()) == ("text/plain  x-own: 1", b"typed")


def test_what_a_program_answered_comes_through(endpoints: Any, program: str):
    assert endpoints.invoke(program, b"x", "text/plain")["Body"].read() == b'{"error": "x"}'
    with pytest.raises(ClientError) as failed:
        endpoints.invoke(program, b"refuse", "text/plain")
    error = failed.value.response
    assert error["OriginalStatusCode"] == 400
    assert error["OriginalMessage"] == '{"error": "refuse"}'


def test_a_program_streams(endpoints: Any, program: str):
    runtime = endpoints.server.client("sagemaker-runtime")
    asked = runtime.invoke_endpoint_with_response_stream(EndpointName=program, Body=b"stream", ContentType="text/plain")
    with closing(asked["Body"]) as stream:
        parts = [event["PayloadPart"]["Bytes"] for event in stream]
    assert parts == [b"one", b"two", b"six"]
    assert endpoints.invoke(program, b"stream", "text/plain")["Body"].read() == b"onetwosix"
