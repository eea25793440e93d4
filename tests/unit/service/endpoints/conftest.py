"""Fixture: an endpoint service on a real store, whose reconciler does not run."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.compose import endpoint_service
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.store.open import open_store


@dataclass
class SteppingClock:
    """Clock that advances by one second at each reading."""

    at: dt.datetime = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        self.at += dt.timedelta(seconds=1)
        return self.at

    def monotonic_s(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[EndpointService]:
    store = open_store(tmp_path)
    blobs = open_blobs(str(tmp_path / "blobs"))
    blobs.create_bucket("data")
    blobs.put("data", "m.tar.gz", [b"an archive"])
    resources = MachineResources((0, 1), 16 * 2**30)
    yield endpoint_service(store, blobs, resources, SteppingClock(), state=tmp_path, region="us-east-1")
    store.close()
