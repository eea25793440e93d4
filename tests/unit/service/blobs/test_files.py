import errno

import pytest

from naiad.service.blobs.files import TemporaryFile, lock_file, lock_path, remove_stale_files, translate_disk_errors
from naiad.service.domain.errors import Invalid, StorageFull


def test_a_temporary_file_is_renamed_or_removed(tmp_path):
    final, temporary = tmp_path / "kept", tmp_path / "temporary"
    temporary.mkdir()
    with TemporaryFile(temporary) as file:
        file.write(b"abc")
        file.rename_to(final)
    with TemporaryFile(temporary) as file:
        file.write(b"forgotten")
    assert final.read_bytes() == b"abc"
    assert list(temporary.iterdir()) == []


def test_the_beginning_of_another_file_is_appended(tmp_path):
    (tmp_path / "source").write_bytes(b"0123456789")
    with TemporaryFile(tmp_path) as file, (tmp_path / "source").open("rb") as source:
        file.write(b">")
        file.append(source.fileno(), 4)
        file.rename_to(tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == b">0123"


def test_a_source_that_is_too_short_raises_an_error(tmp_path):
    (tmp_path / "source").write_bytes(b"01")
    with (
        TemporaryFile(tmp_path) as file,
        (tmp_path / "source").open("rb") as source,
        pytest.raises(OSError, match="shorter"),
    ):
        file.append(source.fileno(), 4)


def test_only_unlocked_files_are_stale(tmp_path):
    (tmp_path / "left").touch()
    with TemporaryFile(tmp_path):
        remove_stale_files(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1


def test_a_locked_file_is_not_locked_again(tmp_path):
    path = lock_path(tmp_path, "name")
    assert path == lock_path(tmp_path, "name")
    with lock_file(path, create=True), pytest.raises(BlockingIOError), lock_file(path, wait=False):
        pass
    with lock_file(path, wait=False):
        pass


def test_errors_of_the_disk_are_translated():
    for number, error in ((errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.ENAMETOOLONG, Invalid)):
        with pytest.raises(error), translate_disk_errors():
            raise OSError(number, "")
    with pytest.raises(PermissionError), translate_disk_errors():
        raise PermissionError(errno.EACCES, "")
