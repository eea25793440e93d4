"""The walls around a model's own code: its folder is all that it sees, and it takes no more than it may."""

import json
from typing import Any

SPY = b"""
import ctypes, json, os

def model_fn(folder):
    return sorted(os.listdir(folder))

def input_fn(body, content_type):
    return json.loads(body)

def predict_fn(data, model):
    libc = ctypes.CDLL(None)
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    return {
        "seen": [path for path in data["paths"] if os.path.exists(path)],
        "done": [libc.umount2(b"/opt/ml", 2), libc.unshare(0x10000000), libc.ptrace(0, 0, 0, 0)],
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "capabilities": int(status["CapEff"], 16),
        "user": os.getuid(),
    }
"""

BOMB = b"""
import time

def model_fn(folder):
    held = b"x" * (2 * 2**30)
    time.sleep(600)
"""


def test_the_code_of_a_model_stays_inside(endpoints: Any) -> None:
    endpoints.deploy("spy", {"code/inference.py": SPY})
    state = endpoints.server.state
    paths = [str(state), str(state / "keys.json"), "/etc/shadow", "/boot", "/opt/ml/model"]
    answer = json.loads(endpoints.invoke("spy", json.dumps({"paths": paths}).encode())["Body"].read())
    assert answer == {
        "seen": ["/opt/ml/model"],
        "done": [-1, -1, -1],
        "processes": [1, 2],
        "capabilities": 0,
        "user": 0,
    }


def test_a_memory_bomb_fails_its_endpoint_and_no_other(endpoints: Any) -> None:
    endpoints.deploy("bystander", {"code/inference.py": SPY})
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    model = endpoints.model("bomb", {"code/inference.py": BOMB})
    endpoints.config("bomb", {"ModelName": model, "ServerlessConfig": serverless})
    endpoints.sagemaker.create_endpoint(EndpointName="bomb", EndpointConfigName="bomb")
    described = endpoints.wait_deployed("bomb")
    assert described["EndpointStatus"] == "Failed"
    assert "out of memory: the program used " in described["FailureReason"]
    assert "of the 1.00 GiB that it was given" in described["FailureReason"]
    endpoints.until(lambda: any("the replica was ended: out of memory" in line for line in endpoints.lines("bomb")))
    assert json.loads(endpoints.invoke("bystander", b'{"paths": []}')["Body"].read())["seen"] == []
