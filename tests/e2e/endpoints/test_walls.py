"""The walls around a model's own code: it sees its folder, and neither the server's nor the machine's."""

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
