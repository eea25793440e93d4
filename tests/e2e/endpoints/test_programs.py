"""Tests of models with their own code: SageMaker's scripts, and executables."""

import contextlib
import io
import json
import sys
import zipfile
from typing import Any

import numpy as np
import pytest
import torch
from botocore.exceptions import ClientError

DOUBLES = b"""
import json, os

def model_fn(model_dir):
    return float(open(os.path.join(model_dir, "factor.txt")).read())

def input_fn(body, content_type):
    if content_type != "application/json":
        raise ValueError("only JSON")
    return json.loads(body)

def predict_fn(data, model):
    print("asked for", data, flush=True)
    if data == "die":
        os._exit(3)
    return [model * value for value in data]

def output_fn(prediction, accept):
    return json.dumps(prediction), accept
"""
STREAMS = b"""
def transform_fn(model, body, content_type, accept):
    def parts():
        for word in body.split():
            if word == "fail":
                raise RuntimeError("the third word")
            yield word + " "
    return parts()

def model_fn(model_dir):
    return None
"""
SERVE = f"""#!{sys.executable}
import http.server, json, os, sys
assert sys.argv[1] == "serve"
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(500 if body == b"fail" else 200, body[::-1] + os.environ["ENDING"].encode())
    def log_message(self, *words): print("served", words[1], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
""".encode()

SMALL = b"""
import torch
class Small(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(3, 2))
"""
REPORTS_FACTOR = b"""
import json, naiad_small
def model_fn(folder): return naiad_small.FACTOR
def transform_fn(model, body, *_): return json.dumps(model)
"""


@pytest.fixture(scope="module")
def doubles(endpoints: Any) -> str:
    return endpoints.deploy("doubles", {"code/inference.py": DOUBLES, "factor.txt": b"2"})


def test_a_script_of_four_functions(endpoints: Any, doubles: str):
    assert endpoints.answer(doubles, [1, 2.5]) == [2.0, 5.0]
    assert any("asked for [1, 2.5]" in line for line in endpoints.lines(doubles))


def test_an_exception_of_a_script_is_a_model_error_with_its_line(endpoints: Any, doubles: str):
    with pytest.raises(ClientError) as failed:
        endpoints.answer(doubles, [None])
    error = failed.value.response
    assert error["Error"]["Code"] == "ModelError"
    assert error["OriginalStatusCode"] == 500
    assert error["OriginalMessage"].startswith("TypeError: ")
    assert "(inference.py, line 16)" in error["OriginalMessage"]


def test_a_request_that_kills_replicas_is_reported_and_the_next_is_answered(endpoints: Any, doubles: str):
    with pytest.raises(ClientError, match="the model's process exited 3 times at this request"):
        endpoints.answer(doubles, "die")
    assert endpoints.until(lambda: endpoints.answer(doubles, [4])) == [8.0]


def test_a_stream(endpoints: Any):
    endpoints.deploy("streams", {"code/inference.py": STREAMS})
    runtime = endpoints.server.client("sagemaker-runtime")

    def parts(text: bytes) -> list[bytes]:
        with contextlib.closing(
            runtime.invoke_endpoint_with_response_stream(EndpointName="streams", Body=text, ContentType="text/plain")[
                "Body"
            ]
        ) as stream:
            return [event["PayloadPart"]["Bytes"] for event in stream]

    assert parts(b"one two three") == [b"one ", b"two ", b"three "]
    with pytest.raises(Exception, match="the third word"):
        parts(b"one two fail")
    gathered = endpoints.invoke("streams", b"one two", "text/plain")
    assert gathered["Body"].read() == b"one two "


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning", "ignore:.torch.jit:DeprecationWarning")
def test_torchscript_and_a_state_dict_need_no_script(endpoints: Any):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 2))
    scripted, state = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.script(network), scripted)
    torch.save(network.state_dict(), state)
    code = SMALL
    inputs = np.array([[1.0, 2.0, 3.0]], dtype=np.float32)
    expected = network(torch.from_numpy(inputs)).detach().numpy()
    endpoints.deploy("scripted", {"model.pt": scripted.getvalue()})
    endpoints.deploy("weights", {"model.pth": state.getvalue(), "code/network.py": code})
    file = io.BytesIO()
    np.save(file, inputs)
    for name in ("scripted", "weights"):
        np.testing.assert_allclose(endpoints.answer(name, inputs.tolist()), expected, rtol=1e-5)
        body = endpoints.invoke(name, file.getvalue(), "application/x-npy", Accept="application/x-npy")["Body"].read()
        np.testing.assert_allclose(np.load(io.BytesIO(body)), expected, rtol=1e-5)


def test_an_executable(endpoints: Any):
    endpoints.deploy("program", {"serve": SERVE}, ENDING="!")
    assert endpoints.invoke("program", b"olleh", "text/plain")["Body"].read() == b"hello!"
    with pytest.raises(ClientError, match="the model answered 500: liaf!"):
        endpoints.invoke("program", b"fail", "text/plain")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"code/inference.py": b"def model_fn(folder):\n    raise OSError('no weights')\n"},
            "OSError: no weights.*line 2",
        ),
        ({"code/inference.py": b"def model_fn(\n"}, "SyntaxError"),
        ({"notes.txt": b""}, "one weights file"),
        ({"serve": b"#!/bin/sh\nexit 7\n"}, "serve exited with status 7"),
    ],
)
def test_a_model_that_cannot_be_loaded_gives_the_reason(endpoints: Any, files: dict[str, bytes], message: str):
    name = f"broken-{abs(hash(message)) % 10**6}"
    endpoints.config(name, {"ModelName": endpoints.model(name, files)})
    endpoints.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = endpoints.wait_deployed(name)
    assert described["EndpointStatus"] == "Failed"
    assert json.dumps(described["FailureReason"])
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(described["FailureReason"])


def test_requirements_are_installed_for_the_model_only(endpoints: Any):
    wheel = io.BytesIO()
    info = "naiad_small-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("naiad_small.py", "FACTOR = 7\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: naiad-small\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    script = REPORTS_FACTOR
    files = {
        "code/inference.py": script,
        "code/requirements.txt": b"/opt/ml/model/code/naiad_small-1.0-py3-none-any.whl\n",
        "code/naiad_small-1.0-py3-none-any.whl": wheel.getvalue(),
    }
    endpoints.deploy("requires", files, PIP_NO_INDEX="1")
    assert endpoints.answer("requires", {}) == 7
