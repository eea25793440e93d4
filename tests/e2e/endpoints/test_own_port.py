"""The own port of an endpoint's replicas: who may use it, and who may listen on it."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

ECHO = b"""
import json

def model_fn(folder):
    return None

def predict_fn(data, model):
    return data
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def port(endpoints: Any) -> Iterator[int]:
    number = free_port()
    yield number if endpoints.deploy("own-port", {"code/inference.py": ECHO}, NAIAD_REPLICA_PORT=str(number)) else 0
    endpoints.sagemaker.delete_endpoint(EndpointName="own-port")


def token_of(endpoints: Any, name: str) -> str:
    path = endpoints.server.state / "endpoints" / name / "replica-token"
    assert path.stat().st_mode & 0o777 == 0o600
    return str(path.read_text())


def post(port: int, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        data=b"[1, 2]",
        headers={
            "Content-Type": "application/json",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_the_port_asks_for_the_endpoints_token(endpoints: Any, port: int) -> None:
    token = token_of(endpoints, "own-port")
    status, body = post(port, authorization=f"Bearer {token}")
    assert (status, json.loads(body)) == (200, [1, 2])
    assert post(port)[0] == 401
    assert post(port, authorization="Bearer nobody")[0] == 401
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=30) as response:
        assert response.status == 200


def test_a_page_of_another_site_is_refused(endpoints: Any, port: int) -> None:
    authorization = f"Bearer {token_of(endpoints, 'own-port')}"
    assert post(port, authorization=authorization, host=f"evil.test:{port}")[0] == 403
    assert post(port, authorization=authorization, origin="http://evil.test")[0] == 403


def test_no_other_process_can_listen_beside_it(port: int) -> None:
    """The listeners of replicas once shared the port, and with them any program of the same user's."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))


def test_another_endpoint_cannot_take_it(endpoints: Any, port: int) -> None:
    endpoints.config(
        "same", {"ModelName": endpoints.model("same", {"code/inference.py": ECHO}, NAIAD_REPLICA_PORT=str(port))}
    )
    endpoints.sagemaker.create_endpoint(EndpointName="same", EndpointConfigName="same")
    described = endpoints.wait_deployed("same")
    assert described["EndpointStatus"] == "Failed"
    assert f"NAIAD_REPLICA_PORT {port} is that of endpoint own-port" in described["FailureReason"]


def test_an_update_keeps_the_port(endpoints: Any, port: int) -> None:
    authorization = f"Bearer {token_of(endpoints, 'own-port')}"
    model = endpoints.model("own-port-2", {"code/inference.py": ECHO}, NAIAD_REPLICA_PORT=str(port))
    endpoints.sagemaker.update_endpoint(
        EndpointName="own-port", EndpointConfigName=endpoints.config("own-port-2", {"ModelName": model})
    )
    assert endpoints.wait_deployed("own-port")["EndpointStatus"] == "InService"
    assert [post(port, authorization=authorization)[0] for _ in range(20)] == [200] * 20
