import platform
from datetime import UTC, datetime, timedelta

import torch

from naiad.trainer.machine import versions


def test_libraries_are_named_with_their_versions():
    found = versions.libraries()
    assert found["python"] == platform.python_version()
    assert torch.__version__.startswith(found["torch"])
    assert "naiad" in found


def test_now_is_in_utc():
    moment = datetime.fromisoformat(versions.now_utc())
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
