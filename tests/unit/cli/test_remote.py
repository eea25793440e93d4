import socket
from pathlib import Path
from typing import Any

import pytest

from naiad.cli.remote import make_client, translate_aws_errors
from naiad.errors import FolderError, InputError, NaiadError
from naiad.home import ServerAddress, write_address


def test_clients_use_the_server_of_this_machine(service: Any) -> None:
    assert make_client("s3").list_buckets()["Buckets"][0]["Name"] == "naiad"


def test_a_refused_request_is_an_input_error(service: Any) -> None:
    with pytest.raises(InputError, match="no training-job of the name nobody"), translate_aws_errors():
        make_client("sagemaker").describe_training_job(TrainingJobName="nobody")


def test_a_server_that_does_not_answer_is_an_error_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    write_address(tmp_path, ServerAddress(f"http://127.0.0.1:{port}", "us-east-1", "naiad", "A", "S"))
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(NaiadError, match="the server does not answer") as caught, translate_aws_errors():
        make_client("s3").list_buckets()
    assert caught.value.hint == "start one: naiad serve"


def test_a_folder_without_a_server_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(FolderError, match="no server has run on"):
        make_client("s3")
