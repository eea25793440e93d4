"""Bits that flip in the files of a folder: noticed when they are read or scrubbed, and never served."""

import errno
import logging
import os
import random

import pytest

from naiad.service.blobs.block_sums import BLOCK_BYTES
from naiad.service.blobs.damage_log import DamageLog
from naiad.service.blobs.errors import DamagedObject, NoSuchKey
from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.object_record import ObjectRecord
from naiad.service.blobs.port import MIN_PART_BYTES, CompletedPart, ObjectAttributes
from naiad.service.blobs.scrubber import Scrubber, ScrubPasses
from naiad.service.blobs.store_folder import StoreFolder

KEY = b"k" * 32


@pytest.fixture
def damage():
    return DamageLog()


@pytest.fixture
def blobs(tmp_path, damage):
    blobs = FolderBlobStore(tmp_path, damage=damage)
    blobs.create_bucket("bucket")
    return blobs


def flip(path, at, bit=0):
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def read(blobs, key, **options):
    return b"".join(blobs.read("bucket", key, **options)[1])


def scrub(tmp_path, damage):
    scrubber = Scrubber(StoreFolder(tmp_path, damage))
    while scrubber.step(10 * BLOCK_BYTES):
        pass
    return scrubber.totals


def test_each_bit_of_a_small_object_counts(blobs, tmp_path):
    blobs.put("bucket", "k", [b"content"])
    path = tmp_path / "bucket" / "k@"
    for at in range(path.stat().st_size):
        flip(path, at, at % 8)
        with pytest.raises(DamagedObject, match="the object 'k' in bucket bucket is damaged"):
            read(blobs, "k")
        flip(path, at, at % 8)
    assert read(blobs, "k") == b"content"


def test_only_ranges_beside_the_damage_are_served(blobs, tmp_path, damage, caplog):
    body = random.Random(0).randbytes(6 * BLOCK_BYTES + 9)
    blobs.put("bucket", "k", [body])
    flip(tmp_path / "bucket" / "k@", 5 * BLOCK_BYTES + 3)
    assert read(blobs, "k", start=10, length=5 * BLOCK_BYTES - 10) == body[10 : 5 * BLOCK_BYTES]
    assert read(blobs, "k", start=6 * BLOCK_BYTES + 1) == body[6 * BLOCK_BYTES + 1 :]
    assert damage.objects == {}
    content = blobs.read("bucket", "k")[1]
    assert next(content) == body[: 4 * BLOCK_BYTES]
    with caplog.at_level(logging.ERROR), pytest.raises(DamagedObject, match="block 6 of 7"):
        next(content)
    with pytest.raises(DamagedObject):
        read(blobs, "k", start=5 * BLOCK_BYTES, length=1)
    assert list(damage.objects) == [("bucket", "k")]
    assert caplog.text.count("is damaged") == 1


def test_ranges_of_every_kind_are_what_was_put(blobs):
    body = random.Random(1).randbytes(5 * BLOCK_BYTES + 100)
    blobs.put("bucket", "k", [body])
    dice = random.Random(2)
    for _ in range(100):
        start, length = dice.randrange(len(body)), dice.choice([1, 5000, BLOCK_BYTES, 2 * BLOCK_BYTES])
        assert read(blobs, "k", start=start, length=length) == body[start : start + length]


@pytest.mark.parametrize("customer_key", [None, KEY])
def test_parts_copies_and_tags_keep_the_sums(blobs, tmp_path, damage, customer_key):
    parts = [random.Random(number).randbytes(MIN_PART_BYTES + number) for number in (1, 2)]
    upload = blobs.start_upload("bucket", "joined", attributes=ObjectAttributes(customer_key=customer_key))
    claims = []
    for number, part in enumerate(parts, start=1):
        etag = blobs.put_part(upload, number, [part], customer_key=customer_key).etag
        claims.append(CompletedPart(number, etag))
    blobs.complete_upload("bucket", "joined", upload.upload_id, claims)
    blobs.set_tags("bucket", "joined", {"a": "b"})
    keys = ["joined"]
    if customer_key is None:
        blobs.copy(("bucket", "joined"), "bucket", "copied")
        keys.append("copied")
    for key in keys:
        assert read(blobs, key, customer_key=customer_key) == b"".join(parts)
        at = MIN_PART_BYTES - 5
        assert read(blobs, key, start=at, length=20, customer_key=customer_key) == b"".join(parts)[at : at + 20]
    assert scrub(tmp_path, damage).damaged == 0
    for key in keys:
        flip(tmp_path / "bucket" / f"{key}@", MIN_PART_BYTES + 2)
        with pytest.raises(DamagedObject):
            read(blobs, key, customer_key=customer_key)
    assert scrub(tmp_path, damage).damaged == len(keys)


def test_a_damaged_object_is_listed_replaced_and_deleted(blobs, tmp_path, damage):
    for key in ("a", "b", "c"):
        blobs.put("bucket", key, [b"content"])
    flip(tmp_path / "bucket" / "b@", -1)
    assert [info.key for info in blobs.list("bucket").objects] == ["a", "b", "c"]
    with pytest.raises(DamagedObject, match="the object 'b'"):
        blobs.head("bucket", "b")
    assert list(damage.objects) == [("bucket", "b")]
    blobs.put("bucket", "b", [b"again"])
    assert damage.objects == {}
    assert read(blobs, "b") == b"again"
    flip(tmp_path / "bucket" / "b@", 0)
    with pytest.raises(DamagedObject):
        read(blobs, "b")
    blobs.delete("bucket", "b")
    assert damage.objects == {}
    with pytest.raises(NoSuchKey):
        blobs.head("bucket", "b")


def test_an_upload_replaces_a_damaged_object(blobs, tmp_path):
    blobs.put("bucket", "k", [b"content"])
    flip(tmp_path / "bucket" / "k@", -1)
    upload = blobs.start_upload("bucket", "k")
    etag = blobs.put_part(upload, 1, [b"new"]).etag
    blobs.complete_upload("bucket", "k", upload.upload_id, [CompletedPart(1, etag)])
    assert read(blobs, "k") == b"new"


def write_old_file(tmp_path, key, content, etag):
    record = ObjectRecord(len(content), etag, 1)
    (tmp_path / "bucket" / f"{key}@").write_bytes(content + record.to_bytes())


def test_files_of_older_versions_are_served_and_compared_with_their_etag(blobs, tmp_path, damage):
    etag = "9a0364b9e99bb480dd25e1f0284c8555"
    write_old_file(tmp_path, "good", b"content", etag)
    write_old_file(tmp_path, "bad", b"c0ntent", etag)
    write_old_file(tmp_path, "parts", b"content", f"{etag}-2")
    assert read(blobs, "good") == b"content"
    totals = scrub(tmp_path, damage)
    assert (totals.objects, totals.damaged, totals.without_sums) == (3, 1, 1)
    assert list(damage.objects) == [("bucket", "bad")]
    blobs.set_tags("bucket", "good", {"a": "b"})
    flip(tmp_path / "bucket" / "good@", 0)
    with pytest.raises(DamagedObject):
        read(blobs, "good")


def test_the_scrubber_finds_what_nobody_reads(blobs, tmp_path, damage):
    dice = random.Random(0)
    keys = [f"folder {number % 3}/{number}" for number in range(60)]
    for key in keys:
        blobs.put("bucket", key, [dice.randbytes(dice.randrange(1, 3000))])
    bad = set(dice.sample(keys, 10))
    for key in bad:
        path = tmp_path / "bucket" / f"{key}@"
        flip(path, dice.randrange(path.stat().st_size), dice.randrange(8))
    totals = scrub(tmp_path, damage)
    assert (totals.objects, totals.damaged) == (60, 10)
    assert {key for _, key in damage.objects} == bad
    for key in bad:
        with pytest.raises(DamagedObject):
            read(blobs, key)


def test_a_file_that_the_disk_cannot_read_is_damaged_and_holds_up_no_scrubbing(blobs, tmp_path, damage, monkeypatch):
    for key in ("a", "b", "c"):
        blobs.put("bucket", key, [key.encode() * 9000])
    pread = os.pread

    def fail_on_b(descriptor, size, at):
        data = pread(descriptor, size, at)
        if b"bbbbbbbb" in data:
            raise OSError(errno.EIO, "Input/output error")
        return data

    monkeypatch.setattr(os, "pread", fail_on_b)
    totals = scrub(tmp_path, damage)
    assert (totals.objects, totals.damaged) == (3, 1)
    with pytest.raises(DamagedObject, match=r"the object 'b' .* its file cannot be read: Input/output error"):
        read(blobs, "b")
    assert list(damage.objects) == [("bucket", "b")]


def test_a_server_scrubs_in_steps_and_once_a_day(blobs, tmp_path, damage):
    for number in range(300):
        blobs.put("bucket", f"{number}", [b"x"])
    now_s, scrubber = [0.0], Scrubber(StoreFolder(tmp_path, damage))
    passes = ScrubPasses(scrubber, lambda: now_s[0])
    passes.step()
    assert scrubber.totals.objects == 128
    passes.step()
    passes.step()
    assert scrubber.totals.objects == 300
    (tmp_path / "bucket" / "7@").write_bytes(b"cut")
    passes.step()
    assert scrubber.totals.damaged == 0
    now_s[0] = 90_000.0
    for _ in range(3):
        passes.step()
    assert (scrubber.totals.objects, scrubber.totals.damaged) == (300, 1)
