import hashlib

import pytest

from naiad.service.blobs.buffered_content import buffer_content
from naiad.service.blobs.errors import BadDigest


def test_content_is_kept_until_it_is_whole():
    with buffer_content([b"a", b"b" * 2_000_000], {"crc32": ""}) as spool:
        assert spool.file.read() == b"a" + b"b" * 2_000_000
        assert (spool.size, spool.etag) == (2_000_001, hashlib.md5(b"a" + b"b" * 2_000_000).hexdigest())
        assert set(spool.checksums) == {"crc32"}
        assert len(spool.md5) == 24


def test_a_wrong_checksum():
    with pytest.raises(BadDigest), buffer_content([b"a"], {"sha256": "no"}):
        pass
