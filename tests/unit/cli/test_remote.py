import socket
from pathlib import Path
from typing import Any

import pytest

from naiad.cli.remote import aws_errors, client
from naiad.errors import FolderError, InputError, NaiadError
from naiad.home import Address, write_address


def test_the_clients_talk_to_the_server_of_this_machine(service: Any) -> None:
    assert client("s3").list_buckets()["Buckets"][0]["Name"] == "naiad"


def test_what_the_server_refuses_is_the_users_to_mend(service: Any) -> None:
    with pytest.raises(InputError, match="no training-job of the name nobody"), aws_errors():
        client("sagemaker").describe_training_job(TrainingJobName="nobody")


def test_a_server_that_is_gone_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    write_address(tmp_path, Address(f"http://127.0.0.1:{port}", "us-east-1", "naiad", "A", "S"))
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(NaiadError, match="the server does not answer") as told, aws_errors():
        client("s3").list_buckets()
    assert told.value.hint == "start one: naiad serve"


def test_no_server_has_ever_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(FolderError, match="no server has run on"):
        client("s3")
