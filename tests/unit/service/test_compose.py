"""From settings to a server's parts."""

import dataclasses
from pathlib import Path

import pytest

from naiad.errors import InputError
from naiad.service.compose import DEFAULT_BUCKET, ServerParts, Settings, compose
from naiad.service.contract.instance_types import instance_type
from naiad.service.domain.clock import SystemClock
from naiad.service.domain.errors import LimitExceeded
from naiad.service.store.lock import lock_folder


def composed(settings: Settings) -> ServerParts:
    """Its parts, closed; what they left on the disk is there."""
    store_lock = lock_folder(settings.state, url="http://127.0.0.1:1", since=SystemClock().now())
    try:
        parts = compose(settings, url="http://127.0.0.1:1", store_lock=store_lock)
        parts.close()
    finally:
        store_lock.release()
    return parts


def test_a_new_folder_has_a_key_a_bucket_and_nothing_that_others_may_read(tmp_path: Path) -> None:
    parts = composed(Settings(tmp_path, warm=False))
    assert [key.name for key in parts.keys.all()] == ["default"]
    assert parts.blobs.has_bucket(DEFAULT_BUCKET)
    assert parts.warm is None
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0


def test_a_folder_is_found_again(tmp_path: Path) -> None:
    settings = Settings(tmp_path, warm=False)
    assert composed(settings).keys.first() == composed(settings).keys.first()


def test_what_is_set_comes_to_its_part(tmp_path: Path) -> None:
    parts = composed(Settings(tmp_path, warm=False, region="eu-west-1", upload_timeout_s=7.0))
    assert parts.gateway.context.region == "eu-west-1"
    assert parts.gateway.upload_timeout_s == 7.0


def test_a_type_larger_than_the_machine_is_scaled_down_or_refused_as_is_set(tmp_path: Path) -> None:
    type_ = instance_type("ml.m5.24xlarge")
    for fits in (True, False):
        parts = composed(Settings(tmp_path / str(fits), warm=False, fit_instances=fits))
        for machine in (parts.supervisor.steps.machine, parts.gateway.context.jobs.machine):
            small = dataclasses.replace(machine, cpus=machine.cpus[:1])
            if fits:
                assert small.request_for(type_, instances=1)[0].cores == 1
            else:
                with pytest.raises(LimitExceeded, match="asks for 96 cores"):
                    small.request_for(type_, instances=1)


def test_objects_are_in_the_folder_unless_a_store_is_named(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert settings.blobs_url == str(tmp_path / "blobs")
    assert dataclasses.replace(settings, s3_endpoint="http://127.0.0.1:9").blobs_url == "http://127.0.0.1:9"


def test_a_store_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(InputError, match=r"S3 store http://127\.0\.0\.1:1 cannot be used"):
        composed(Settings(tmp_path, warm=False, s3_endpoint="http://127.0.0.1:1"))
