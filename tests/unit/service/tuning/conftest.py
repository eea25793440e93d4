"""A world of tuning jobs for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tuning_world import TuningWorld, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TuningWorld]:
    with make_world(tmp_path) as made:
        yield made
