"""Servers that are built from their settings."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from naiad.errors import InputError
from naiad.service.compose import DEFAULT_BUCKET, ServerParts, Settings, compose
from naiad.service.contract.instance_types import instance_type
from naiad.service.domain.clock import SystemClock
from naiad.service.domain.errors import LimitExceeded
from naiad.service.gateway.doors import open_doors
from naiad.service.store.lock import lock_folder


def compose_once(settings: Settings) -> ServerParts:
    """Builds a server and closes it, and returns its parts."""
    store_lock = lock_folder(settings.state, url="http://127.0.0.1:1", since=SystemClock().now())
    try:
        parts = compose(settings, url="http://127.0.0.1:1", store_lock=store_lock)
        parts.close()
    finally:
        store_lock.release()
    return parts


def test_a_new_folder_has_a_key_and_a_bucket_and_is_private(tmp_path: Path) -> None:
    parts = compose_once(Settings(tmp_path, warm=False))
    assert [key.name for key in parts.keys.all()] == ["default"]
    assert parts.blobs.has_bucket(DEFAULT_BUCKET)
    assert parts.warm is None
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0


def test_a_second_server_finds_the_key_of_the_first(tmp_path: Path) -> None:
    settings = Settings(tmp_path, warm=False)
    assert compose_once(settings).keys.first() == compose_once(settings).keys.first()


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments of the last call of ``open_doors``."""
    arguments: dict[str, Any] = {}

    def record(context: Any, *rest: Any, **options: Any) -> Any:
        arguments.update(options, context=context)
        return open_doors(context, *rest, **options)

    monkeypatch.setattr("naiad.service.compose.open_doors", record)
    return arguments


def test_settings_reach_their_parts(tmp_path: Path, doors: dict[str, Any]) -> None:
    compose_once(Settings(tmp_path, warm=False, region="eu-west-1", upload_timeout_s=7.0))
    assert doors["context"].region == "eu-west-1"
    assert doors["upload_timeout_s"] == 7.0


@pytest.mark.parametrize("fits", [True, False])
def test_a_type_larger_than_the_machine_is_scaled_down_or_refused(
    tmp_path: Path, doors: dict[str, Any], fits: bool
) -> None:
    large = instance_type("ml.m5.24xlarge")
    parts = compose_once(Settings(tmp_path, warm=False, fit_instances=fits))
    for machine in (parts.supervisor.steps.machine, doors["context"].jobs.machine):
        small = dataclasses.replace(machine, cpus=machine.cpus[:1])
        if fits:
            assert small.request_for(large, instances=1)[0].cores == 1
        else:
            with pytest.raises(LimitExceeded, match="asks for 96 cores"):
                small.request_for(large, instances=1)


def test_objects_are_in_the_folder_without_an_s3_endpoint(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert settings.blobs_url == str(tmp_path / "blobs")
    assert dataclasses.replace(settings, s3_endpoint="http://127.0.0.1:9").blobs_url == "http://127.0.0.1:9"


def test_an_s3_endpoint_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(InputError, match=r"S3 store http://127\.0\.0\.1:1 cannot be used"):
        compose_once(Settings(tmp_path, warm=False, s3_endpoint="http://127.0.0.1:1"))
