"""Files and JSON that are checked by their sha256."""

import pytest

from naiad import durable
from naiad.errors import ArtifactError
from naiad.trainer.artifact import checksums


def flip(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def test_check_files_names_the_file(tmp_path):
    for name in ("a", "b"):
        durable.write_file(tmp_path / name, name.encode())
    digests = {name: checksums.file_sha256(tmp_path / name) for name in ("a", "b")}
    checksums.check_files(tmp_path, digests)
    (tmp_path / "b").write_bytes(flip(b"b", 3))
    with pytest.raises(ArtifactError, match=r"b is damaged: its sha256 is \w{12}, recorded was \w{12}"):
        checksums.check_files(tmp_path, digests)
    (tmp_path / "b").unlink()
    with pytest.raises(ArtifactError, match="b is missing"):
        checksums.check_files(tmp_path, digests)


def test_check_file_states_the_sizes(tmp_path):
    durable.write_file(tmp_path / "a", b"short")
    with pytest.raises(ArtifactError, match="5 bytes for 1,000"):
        checksums.check_file(tmp_path / "a", "0" * 64, size=1000)


def test_json_with_sha256_is_read_back():
    values = {"name": "sälj", "files": {"a": {"sha256": "0" * 64}}, "list": [1, 2.5, None]}
    assert checksums.loads_with_sha256(checksums.dumps_with_sha256(values)) == values


def test_a_change_of_any_bit_is_found():
    data = checksums.dumps_with_sha256(
        {"rate": 1e-05, "files": {"a": {"sha256": "ab" * 32}}, "nested": {"sha256": "x"}}
    )
    for bit in range(8 * len(data)):
        with pytest.raises(ValueError):  # noqa: PT011  # reason: json's own errors are ValueErrors
            checksums.loads_with_sha256(flip(data, bit))


def test_names_that_are_not_utf8_are_read_back():
    values = {"examples": ["caf\udce9.png", "süß.png"]}
    assert checksums.loads_with_sha256(checksums.dumps_with_sha256(values)) == values
