import hashlib

import pytest

from naiad.service.blobs.buffered_content import buffer_content
from naiad.service.blobs.errors import BadDigest


def test_content_is_buffered_with_its_checksums():
    with buffer_content([b"a", b"b" * 2_000_000], {"crc32": ""}) as buffered:
        assert buffered.file.read() == b"a" + b"b" * 2_000_000
        assert (buffered.size, buffered.etag) == (2_000_001, hashlib.md5(b"a" + b"b" * 2_000_000).hexdigest())
        assert set(buffered.checksums) == {"crc32"}
        assert len(buffered.content_md5) == 24


def test_a_wrong_checksum_is_refused():
    with pytest.raises(BadDigest), buffer_content([b"a"], {"sha256": "no"}):
        pass
