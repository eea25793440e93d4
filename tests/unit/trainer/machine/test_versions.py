"""Library versions and the time of an artifact."""

import platform
from datetime import UTC, datetime, timedelta

import torch

from naiad.trainer.machine import versions


def test_libraries_are_named_with_their_versions():
    installed = versions.library_versions()
    assert installed["python"] == platform.python_version()
    assert torch.__version__.startswith(installed["torch"])
    assert "naiad" in installed


def test_the_timestamp_is_in_utc():
    moment = datetime.fromisoformat(versions.utc_timestamp())
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
