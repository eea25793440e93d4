"""Tests that no request fails while replicas, or the programs in them, die or hang."""

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
    """Returns processes below the server that have these words in their command."""
    matching = []
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
            matching.append(process)
    return matching


@contextmanager
def load(endpoints: Any, name: str, count: int = 4) -> Iterator[Counter[str]]:
    """Runs clients that do not retry. Yields their results: "ok", or the text of the error."""
    results: Counter[str] = Counter()
    is_over, address = threading.Event(), endpoints.server.address

    def run_client() -> None:
        keys = {"aws_access_key_id": address.access_key, "aws_secret_access_key": address.secret_key}
        config = Config(retries={"max_attempts": 0}, read_timeout=120)
        client = boto3.client(
            "sagemaker-runtime", endpoint_url=address.url, region_name=address.region, config=config, **keys
        )
        with closing(client) as runtime:
            while not is_over.is_set():
                try:
                    runtime.invoke_endpoint(EndpointName=name, Body=b"hello", ContentType="text/plain")["Body"].read()
                except ClientError as error:
                    results[str(error)] += 1
                else:
                    results["ok"] += 1

    threads = [threading.Thread(target=run_client) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield results
    finally:
        is_over.set()
        for thread in threads:
            thread.join(120)


def test_a_killed_executable_fails_no_request(endpoints: Any, program: str):
    with load(endpoints, program) as results:
        for _ in range(2):
            endpoints.until(lambda: len(serve_processes(endpoints)) >= 2)
            before = results["ok"]
            os.kill(serve_processes(endpoints)[0].pid, signal.SIGKILL)
            endpoints.until(lambda before=before: results["ok"] > before + 50)
    assert list(results) == ["ok"]


def serve_processes(endpoints: Any) -> list[psutil.Process]:
    return [one for one in processes(endpoints, "serve") if "worker" not in " ".join(one.cmdline())]


def test_a_replica_that_hangs_is_replaced_and_fails_no_request(endpoints: Any, script: str):
    def script_workers() -> list[psutil.Process]:
        workers = processes(endpoints, "naiad.service.endpoints.worker")
        return [one for one in workers if one.pid not in others]

    others: set[int] = {one.ppid() for one in serve_processes(endpoints)}
    with load(endpoints, script) as results:
        endpoints.until(lambda: results["ok"] > 20)
        suspended = script_workers()[0]
        suspended.suspend()
        endpoints.until(lambda: not suspended.is_running() or suspended.status() == psutil.STATUS_ZOMBIE, timeout_s=30)
        before = results["ok"]
        endpoints.until(lambda: results["ok"] > before + 50)
    assert list(results) == ["ok"]


def test_a_large_answer_is_complete(endpoints: Any, script: str):
    assert len(endpoints.invoke(script, b"large", "text/plain")["Body"].read()) == 70 * 2**20
    assert endpoints.invoke(script, b"next", "text/plain")["Body"].read() == b"next"


def test_control_characters_in_a_content_type_become_blanks(endpoints: Any, script: str):
    answer = endpoints.invoke(script, b"typed", "text/plain")
    assert (answer["ContentType"], answer["Body"].read()) == ("text/plain  x-own: 1", b"typed")


def test_the_status_and_body_of_a_program_are_passed_on(endpoints: Any, program: str):
    assert endpoints.invoke(program, b"x", "text/plain")["Body"].read() == b'{"error": "x"}'
    with pytest.raises(ClientError) as failed:
        endpoints.invoke(program, b"refuse", "text/plain")
    error = failed.value.response
    assert error["OriginalStatusCode"] == 400
    assert error["OriginalMessage"] == '{"error": "refuse"}'


def test_a_program_may_stream(endpoints: Any, program: str):
    runtime = endpoints.server.client("sagemaker-runtime")
    response = runtime.invoke_endpoint_with_response_stream(
        EndpointName=program, Body=b"stream", ContentType="text/plain"
    )
    with closing(response["Body"]) as stream:
        chunks = [event["PayloadPart"]["Bytes"] for event in stream]
    assert chunks == [b"one", b"two", b"six"]
    assert endpoints.invoke(program, b"stream", "text/plain")["Body"].read() == b"onetwosix"
