import hashlib
from pathlib import Path

import pytest

from naiad.service.blobs.content_writer import write_content
from naiad.service.blobs.errors import BadDigest
from naiad.service.blobs.files import TemporaryFile

KEY = b"k" * 32
MD5 = hashlib.md5(b"hello").hexdigest()


def test_plain_content_is_written_as_it_is(tmp_path: Path) -> None:
    with TemporaryFile(tmp_path) as file:
        written = write_content(file, [b"hel", b"lo"], {"crc32": ""}, None)
        file.rename_to(tmp_path / "object")
    assert (tmp_path / "object").read_bytes() == b"hello"
    assert (written.size, written.etag, written.pieces, set(written.stored_checksums)) == (5, MD5, [], {"crc32"})


def test_encrypted_content_has_an_etag_that_does_not_tell_it(tmp_path: Path) -> None:
    """The ETag of a part that is sent again is the same, as clients expect it."""
    with TemporaryFile(tmp_path) as file:
        written = write_content(file, [b"hello"], {"crc32": ""}, KEY)
        again = write_content(file, [b"hello"], {}, KEY)
        other = write_content(file, [b"hello"], {}, b"o" * 32)
    assert written.etag == again.etag
    assert len({written.etag, other.etag, MD5}) == 3
    assert (written.stored_checksums, set(written.checksums)) == ({}, {"crc32"})
    assert written.nonce != again.nonce


def test_a_checksum_is_that_of_the_content_before_it_is_encrypted(tmp_path: Path) -> None:
    with TemporaryFile(tmp_path) as file:
        write_content(file, [b"hello"], {"crc32": "NhCmhg=="}, KEY)
        with pytest.raises(BadDigest):
            write_content(file, [b"other"], {"crc32": "NhCmhg=="}, KEY)
