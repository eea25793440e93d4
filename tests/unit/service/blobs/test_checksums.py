import base64
import hashlib
import io
import zlib

import pytest

from naiad.service.blobs.checksums import (
    ALGORITHMS,
    ContentDigests,
    composite_checksum,
    full_object_checksum,
    iter_chunks,
    multipart_etag,
)
from naiad.service.blobs.errors import BadDigest
from naiad.service.domain.errors import Invalid

KNOWN = {  # of b"123456789", from the catalogues of checksums
    "crc32": "cbf43926",
    "crc32c": "e3069283",
    "crc64nvme": "ae8b14860a799888",
    "sha1": hashlib.sha1(b"123456789").hexdigest(),
    "sha256": hashlib.sha256(b"123456789").hexdigest(),
}


def checksum_of(algorithm, data):
    digests = ContentDigests({algorithm: ""})
    digests.update(data)
    return digests.verify()[algorithm]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_known_values(name):
    digests = ContentDigests({name: ""})
    digests.update(b"1234")
    digests.update(b"56789")
    assert base64.b64decode(digests.verify()[name]).hex() == KNOWN[name]
    assert (digests.size, digests.etag) == (9, hashlib.md5(b"123456789").hexdigest())


def test_expected_values_are_read_at_the_end():
    late = {"crc32": ""}
    digests = ContentDigests(late)
    late["crc32"] = "AAAAAA=="
    digests.update(b"x")
    with pytest.raises(BadDigest, match="crc32"):
        digests.verify()


def test_an_unknown_algorithm_is_refused():
    with pytest.raises(Invalid, match="crc16"):
        ContentDigests({"crc16": ""})


@pytest.mark.parametrize("name", ["crc32", "crc32c", "crc64nvme"])
def test_the_checksum_of_the_whole_is_made_from_its_parts(name):
    parts = [b"first", b"", b"second part"]
    whole = full_object_checksum(name, [(checksum_of(name, part), len(part)) for part in parts])
    assert whole == checksum_of(name, b"".join(parts))


def test_hashes_cannot_be_combined():
    with pytest.raises(Invalid, match="sha256"):
        full_object_checksum("sha256", [])


def test_composite_checksums_and_etags_cover_those_of_the_parts():
    parts = [zlib.crc32(part).to_bytes(4) for part in (b"a", b"b")]
    due = base64.b64encode(zlib.crc32(b"".join(parts)).to_bytes(4)).decode()
    assert composite_checksum("crc32", [base64.b64encode(part).decode() for part in parts]) == f"{due}-2"
    md5 = hashlib.md5(hashlib.md5(b"a").digest()).hexdigest()
    assert multipart_etag([hashlib.md5(b"a").hexdigest()]) == f"{md5}-1"


def test_chunks_of_a_file_and_of_a_list():
    assert b"".join(iter_chunks(io.BytesIO(b"x" * 3_000_000))) == b"x" * 3_000_000
    assert list(iter_chunks([b"a", b"b"])) == [b"a", b"b"]
