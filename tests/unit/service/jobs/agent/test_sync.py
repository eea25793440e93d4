import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.port import Blobs
from naiad.service.contract.channels import Fetcher
from naiad.service.contract.s3_uri import S3Uri
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.sync import FolderSync


@pytest.fixture
def sync_of(blobs: Blobs, tmp_path: Path) -> Callable[..., FolderSync]:
    def make(folder: str = "ml", *, every_s: float = 600) -> FolderSync:
        (tmp_path / folder).mkdir()
        return FolderSync(blobs, S3Uri("naiad", "kept/here"), tmp_path, folder, every_s=every_s)

    return make


def test_what_is_there_at_the_end_is_stored(sync_of: Any, stored: Any, tmp_path: Path) -> None:
    sync = sync_of()
    sync.start()
    (tmp_path / "ml" / "deep").mkdir()
    (tmp_path / "ml" / "deep" / "a").write_bytes(b"1")
    (tmp_path / "ml" / "link").symlink_to("/etc/passwd")
    sync.finish()
    assert stored() == {"kept/here/deep/a": b"1"}


def test_it_is_stored_while_the_program_runs(sync_of: Any, stored: Any, tmp_path: Path) -> None:
    sync = sync_of(every_s=0.01)
    sync.start()
    (tmp_path / "ml" / "a").write_bytes(b"1")
    deadline = time.monotonic() + 20
    while stored() != {"kept/here/a": b"1"}:
        assert time.monotonic() < deadline
    (tmp_path / "ml" / "a").write_bytes(b"22")
    while stored() != {"kept/here/a": b"22"}:
        assert time.monotonic() < deadline
    sync.finish()


def test_the_next_attempt_goes_on_from_it(sync_of: Any, stored: Any, blobs: Blobs, put: Any, tmp_path: Path) -> None:
    put({"kept/here/step-1/weights": b"w", "kept/here/folder/": b"", "kept/hereafter": b"not ours"})
    sync = sync_of()
    assert sync.restore(Fetcher(blobs, tmp_path / "cache", index=0, instances=1)) == 1
    assert (tmp_path / "ml" / "step-1" / "weights").read_bytes() == b"w"
    assert not (tmp_path / "ml" / "after").exists()


@pytest.mark.parametrize("key", ["kept/here/../../../escaped", "kept/here//etc/x"])
def test_a_key_that_leads_elsewhere_is_refused(sync_of: Any, blobs: Blobs, put: Any, tmp_path: Path, key: str) -> None:
    put({key: b"x"})
    with pytest.raises(Invalid):
        sync_of().restore(Fetcher(blobs, tmp_path / "cache", index=0, instances=1))
    assert not (tmp_path.parent / "escaped").exists()
