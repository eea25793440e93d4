import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from naiad.cli.main import main
from naiad.cli.run_command import FAILURE, SUCCESS, USAGE_ERROR
from naiad.service.domain.errors import NotFound


@pytest.fixture
def archive(tmp_path: Path) -> str:
    (tmp_path / "model.tar.gz").write_bytes(b"an archive")
    return str(tmp_path / "model.tar.gz")


@contextmanager
def deployment_ends(service: Any, name: str, reason: str = "") -> Iterator[None]:
    """Ends the endpoint's first deployment, as soon as it has begun, in another thread."""

    def end_deployment() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                service.finish_deployment(name, reason)
            except NotFound:
                time.sleep(0.01)
            else:
                return

    thread = threading.Thread(target=end_deployment)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_it_waits_and_prints_the_url_and_the_measurements(
    service: Any, archive: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service.log_endpoint("shoes", "AllTraffic/deployment", "naiad: engine chosen: torch")
    with deployment_ends(service, "shoes"):
        assert main(["deploy", archive, "--name", "shoes", "--min", "0", "--max", "3", "--env", "A=b=c"]) == SUCCESS
    output = capsys.readouterr()
    assert output.out == f"shoes is InService at {service.address.url}/endpoints/shoes/invocations\n"
    assert "engine chosen: torch" in output.err
    assert "hint: naiad endpoints show shoes" in output.err
    sagemaker = service.client("sagemaker")
    (model,) = sagemaker.list_models()["Models"]
    container = sagemaker.describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
    assert container["Environment"] == {"A": "b=c"}


def test_trust_is_said_to_the_replicas(service: Any, archive: str) -> None:
    with deployment_ends(service, "shoes"):
        assert main(["deploy", archive, "--name", "shoes", "--env", "A=b", "--trust"]) == SUCCESS
    sagemaker = service.client("sagemaker")
    (model,) = sagemaker.list_models()["Models"]
    container = sagemaker.describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
    assert container["Environment"] == {"A": "b", "NAIAD_TRUST_ARTIFACT": "1"}


def test_the_description_as_json(service: Any, archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    with deployment_ends(service, "shoes"):
        assert main(["deploy", archive, "--name", "shoes", "--json"]) == SUCCESS
    described = json.loads(capsys.readouterr().out)
    assert (described["EndpointName"], described["EndpointStatus"]) == ("shoes", "InService")


def test_a_model_that_does_not_start_is_a_failure(
    service: Any, archive: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with deployment_ends(service, "shoes", "OSError: no weights"):
        assert main(["deploy", archive, "--name", "shoes"]) == FAILURE
    assert "error: endpoint shoes is Failed: OSError: no weights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--env", "A"], "--env 'A' has no value"),
        (["--min", "3", "--max", "2"], "is not between min_replicas=3 and max_replicas=2"),
        (["--replicas", "0"], "--replicas"),
        (["--instance-type", "ml.none"], "ml.none"),
    ],
)
def test_options_that_are_refused(
    service: Any, archive: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deploy", archive, "--name", "shoes", *options]) == USAGE_ERROR
    assert message in capsys.readouterr().err
    assert service.client("sagemaker").list_endpoints()["Endpoints"] == []
