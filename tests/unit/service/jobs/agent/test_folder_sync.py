import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.channels import ChannelFetcher
from naiad.service.contract.s3_uri import S3Uri
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.folder_sync import FolderSync


@pytest.fixture
def sync_of(blobs: BlobStore, tmp_path: Path) -> Callable[..., FolderSync]:
    def make(folder: str = "ml", *, interval_s: float = 600) -> FolderSync:
        (tmp_path / folder).mkdir()
        return FolderSync(blobs, S3Uri("naiad", "kept/here"), tmp_path, folder, interval_s=interval_s)

    return make


def test_everything_is_stored_at_the_end(sync_of: Any, stored: Any, tmp_path: Path) -> None:
    sync = sync_of()
    sync.start()
    (tmp_path / "ml" / "deep").mkdir()
    (tmp_path / "ml" / "deep" / "a").write_bytes(b"1")
    (tmp_path / "ml" / "link").symlink_to("/etc/passwd")
    sync.finish()
    assert stored() == {"kept/here/deep/a": b"1"}


def test_files_are_stored_while_the_program_runs(sync_of: Any, stored: Any, tmp_path: Path) -> None:
    sync = sync_of(interval_s=0.01)
    sync.start()
    (tmp_path / "ml" / "a").write_bytes(b"1")
    deadline = time.monotonic() + 20
    while stored() != {"kept/here/a": b"1"}:
        assert time.monotonic() < deadline
    (tmp_path / "ml" / "a").write_bytes(b"22")
    while stored() != {"kept/here/a": b"22"}:
        assert time.monotonic() < deadline
    sync.finish()


def test_stored_files_are_restored(sync_of: Any, stored: Any, blobs: BlobStore, put: Any, tmp_path: Path) -> None:
    put({"kept/here/step-1/weights": b"w", "kept/here/folder/": b"", "kept/hereafter": b"not ours"})
    sync = sync_of()
    assert sync.restore(ChannelFetcher(blobs, tmp_path / "cache", index=0, instances=1)) == 1
    assert (tmp_path / "ml" / "step-1" / "weights").read_bytes() == b"w"
    assert not (tmp_path / "ml" / "after").exists()


@pytest.mark.parametrize("key", ["kept/here/../../../escaped", "kept/here//../x"])
def test_a_key_that_leads_out_of_the_folder_is_refused(
    sync_of: Any, blobs: BlobStore, put: Any, tmp_path: Path, key: str
) -> None:
    put({key: b"x"})
    with pytest.raises(Invalid):
        sync_of().restore(ChannelFetcher(blobs, tmp_path / "cache", index=0, instances=1))
    assert not (tmp_path.parent / "escaped").exists()
