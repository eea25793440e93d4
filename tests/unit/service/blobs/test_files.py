import errno

import pytest

from naiad.service.blobs.files import Temporary, lock_of, locked, sweep, translate_disk_errors
from naiad.service.domain.errors import Invalid, StorageFull


def test_a_temporary_becomes_a_file_or_nothing(tmp_path):
    kept, temporary = tmp_path / "kept", tmp_path / "temporary"
    temporary.mkdir()
    with Temporary(temporary) as file:
        file.write(b"abc")
        file.become(kept)
    with Temporary(temporary) as file:
        file.write(b"forgotten")
    assert kept.read_bytes() == b"abc"
    assert list(temporary.iterdir()) == []


def test_a_part_of_another_file_is_appended(tmp_path):
    (tmp_path / "source").write_bytes(b"0123456789")
    with Temporary(tmp_path) as file, (tmp_path / "source").open("rb") as source:
        file.write(b">")
        file.append(source.fileno(), 4)
        file.become(tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == b">0123"


def test_a_source_that_is_too_short_is_told(tmp_path):
    (tmp_path / "source").write_bytes(b"01")
    with (
        Temporary(tmp_path) as file,
        (tmp_path / "source").open("rb") as source,
        pytest.raises(OSError, match="shorter"),
    ):
        file.append(source.fileno(), 4)


def test_a_sweep_takes_what_nobody_holds(tmp_path):
    (tmp_path / "left").touch()
    with Temporary(tmp_path):
        sweep(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1


def test_one_at_a_time(tmp_path):
    path = lock_of(tmp_path, "name")
    assert path == lock_of(tmp_path, "name")
    with locked(path, create=True), pytest.raises(BlockingIOError), locked(path, wait=False):
        pass
    with locked(path, wait=False):
        pass


def test_errors_of_the_disk_have_names():
    for number, error in ((errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.ENAMETOOLONG, Invalid)):
        with pytest.raises(error), translate_disk_errors():
            raise OSError(number, "")
    with pytest.raises(PermissionError), translate_disk_errors():
        raise PermissionError(errno.EACCES, "")
