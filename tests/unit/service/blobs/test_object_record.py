import os

import pytest

from naiad.service.blobs.object_record import ObjectRecord
from naiad.service.domain.errors import ServiceError


def read(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return ObjectRecord.read_from(fd)
    finally:
        os.close(fd)


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_record_is_read_back_equal(tmp_path, size):
    record = ObjectRecord(3, "etag", 1, metadata={"ü": "x" * size}, checksums={"crc32": "a"}, upload_id="u")
    (tmp_path / "k").write_bytes(b"abc" + record.to_bytes())
    assert read(tmp_path / "k") == record


def test_a_damaged_file_is_refused(tmp_path):
    whole = b"abc" + ObjectRecord(3, "etag", 1).to_bytes()
    for data in (b"", whole[1:], whole[:-1], whole[:-20] + whole[-16:], b"{}" + whole[-16:]):
        (tmp_path / "k").write_bytes(data)
        with pytest.raises(ServiceError, match="damaged"):
            read(tmp_path / "k")
