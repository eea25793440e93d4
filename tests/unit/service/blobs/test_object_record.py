import os
from dataclasses import replace

import pytest

from naiad.service.blobs.block_sums import BLOCK_BYTES
from naiad.service.blobs.errors import DamagedObject
from naiad.service.blobs.object_record import ObjectRecord

SUMMED = ObjectRecord(3, "etag", 1, block_bytes=BLOCK_BYTES)
SUMS = b"sums"


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


@pytest.mark.parametrize("record", [ObjectRecord(3, "etag", 1), SUMMED])
def test_a_damaged_file_is_refused(tmp_path, record):
    whole = b"abc" + record.to_bytes(SUMS if record.has_sums else b"")
    for data in (b"", whole[1:], whole[:-1], whole[:-24] + whole[-20:], b"{}" + whole[-20:]):
        (tmp_path / "k").write_bytes(data)
        with pytest.raises(DamagedObject):
            read(tmp_path / "k")


def test_each_flipped_bit_of_a_record_is_noticed(tmp_path):
    whole = b"abc" + SUMMED.to_bytes(SUMS)
    for byte in range(3 + len(SUMS), len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[byte] ^= 1 << bit
            (tmp_path / "k").write_bytes(data)
            with pytest.raises(DamagedObject):
                read(tmp_path / "k")


def test_a_record_with_sums_is_read_back_equal(tmp_path):
    (tmp_path / "k").write_bytes(b"abc" + SUMMED.to_bytes(SUMS))
    assert read(tmp_path / "k") == SUMMED


def test_blocks_of_another_size_are_refused(tmp_path):
    (tmp_path / "k").write_bytes(b"abc" + replace(SUMMED, block_bytes=1).to_bytes(SUMS))
    with pytest.raises(DamagedObject, match="blocks of 1 bytes"):
        read(tmp_path / "k")


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    text = (
        b'{"size":3,"etag":"900150983cd24fb0d6963f7d28e17f72","modified_ms":1767225600000,"content_type":"text/plain",'
        b'"metadata":{"who":"me"},"headers":{"expires":"0"},"checksums":{"crc32":"NSRBwg=="},"upload_id":null}'
    )
    (tmp_path / "k").write_bytes(b"abc" + text + len(text).to_bytes(8, "little") + b"naiad:1\n")
    record = read(tmp_path / "k")
    assert record == ObjectRecord(
        size=3,
        etag="900150983cd24fb0d6963f7d28e17f72",
        modified_ms=1767225600000,
        content_type="text/plain",
        metadata={"who": "me"},
        headers={"expires": "0"},
        checksums={"crc32": "NSRBwg=="},
    )
    assert b"abc" + record.to_bytes() == (tmp_path / "k").read_bytes()
