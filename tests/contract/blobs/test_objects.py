"""One suite for every store of blobs: the folder, and a real S3 store (here our own door) through boto3."""

import base64
import contextlib
import hashlib
import io
import subprocess
import sys
import tempfile
import threading
import zlib
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naiad.service.blobs import errors
from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.port import MIN_PART_BYTES, CompletedPart, ObjectInfo, WriteCondition
from naiad.service.blobs.s3 import S3BlobStore
from naiad.service.domain.errors import Invalid

SERVER = Path(__file__).parents[1] / "wire" / "s3_server.py"
AWKWARD = [
    *("a", "a/b", "a/b/c", "a//b", "/a", "a/", "//", "..", "../up", "a/../b", ".", "./a", ".hidden", "with space", " "),
    *("über/straße", "日本語", "😀" * 70, "%41", "%", "a%2Fb", "@", "a@", "a@more", "a+b", "x" * 300, "x" * 300 + "/y"),
    *("x" * 1024, "/" * 100, "a!", "a0", "a\\b", "con", "UPPER", "upper", "tab\there", "q?x=1#y&z"),
]


@contextlib.contextmanager
def open_door(folder):
    process = subprocess.Popen([sys.executable, SERVER, folder], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    with open_door(tmp_path_factory.mktemp("door")) as url:
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )
        yield S3BlobStore(client)
        client.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return FolderBlobStore(tmp_path_factory.mktemp("blobs"))


@pytest.fixture(params=["folder", "remote"])
def blobs(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def bucket(blobs, request):
    name = f"b-{hashlib.md5(request.node.name.encode()).hexdigest()}"
    blobs.create_bucket(name)
    yield name
    for page in pages(blobs, name):
        for blob in page.blobs:
            blobs.delete(name, blob.key)
    blobs.delete_bucket(name)


def pages(blobs, bucket, **options):
    after = ""
    while after is not None:
        page = blobs.list(bucket, after=after, **options)
        yield page
        after = page.next_start_after


def content(blobs, bucket, key, **options):
    return b"".join(blobs.read(bucket, key, **options)[1])


def test_what_is_put_comes_back_with_all_that_was_said(blobs, bucket):
    crc = base64.b64encode(zlib.crc32(b"hello").to_bytes(4)).decode()
    put = blobs.put(
        bucket,
        "k",
        [b"he", b"llo"],
        content_type="text/plain",
        metadata={"who": "me"},
        headers={"cache-control": "no-store"},
        checksums={"crc32": crc},
    )
    found = blobs.head(bucket, "k")
    assert (found.size, found.etag, found.content_type) == (5, hashlib.md5(b"hello").hexdigest(), "text/plain")
    assert (found.metadata, found.headers, found.checksums) == (
        {"who": "me"},
        {"cache-control": "no-store"},
        {"crc32": crc},
    )
    assert put.etag == found.etag
    assert content(blobs, bucket, "k") == b"hello"


def test_a_file_is_content_too(blobs, bucket):
    blobs.put(bucket, "k", io.BytesIO(b"x" * 3_000_000))
    assert blobs.head(bucket, "k").size == 3_000_000


@pytest.mark.parametrize(
    ("start", "length", "due"), [(0, 2, b"01"), (3, None, b"3456789"), (8, 9, b"89"), (10, 1, b"")]
)
def test_a_part_is_read(blobs, bucket, start, length, due):
    blobs.put(bucket, "k", [b"0123456789"])
    assert content(blobs, bucket, "k", start=start, length=length) == due


def test_what_is_not_there_is_told(blobs, bucket):
    with pytest.raises(errors.NoSuchKey):
        blobs.head(bucket, "nothing")
    with pytest.raises(errors.NoSuchKey):
        blobs.read(bucket, "nothing")
    with pytest.raises(errors.NoSuchBucket):
        blobs.put("no-such-bucket", "k", [b""])
    with pytest.raises(errors.NoSuchBucket):
        blobs.list("no-such-bucket")
    with pytest.raises(errors.NoSuchUpload):
        blobs.abort_upload(bucket, "k", "0" * 32)
    blobs.delete(bucket, "nothing")


def test_a_wrong_checksum_leaves_what_was_there(blobs, bucket):
    blobs.put(bucket, "k", [b"old"])
    for name in ("md5", "crc32", "crc32c", "sha1", "sha256", "crc64nvme"):
        with pytest.raises(errors.BadDigest):
            blobs.put(bucket, "k", [b"new"], checksums={name: "AAAAAA=="})
    assert content(blobs, bucket, "k") == b"old"


def test_a_content_that_breaks_off_leaves_what_was_there(blobs, bucket):
    def breaking():
        yield b"new"
        raise Invalid("it broke off")

    blobs.put(bucket, "k", [b"old"])
    with pytest.raises(Invalid, match="broke off"):
        blobs.put(bucket, "k", breaking())
    assert content(blobs, bucket, "k") == b"old"


def test_a_reader_of_a_replaced_object_reads_the_old_one_to_its_end(folder):
    folder.create_bucket("replaced")
    old = b"o" * 5_000_000
    folder.put("replaced", "k", [old])
    _, pieces = folder.read("replaced", "k")
    first = next(pieces)
    folder.put("replaced", "k", [b"new"])
    folder.delete("replaced", "k")
    assert first + b"".join(pieces) == old


def test_every_awkward_key_is_a_name_like_others(blobs, bucket):
    for key in AWKWARD:
        blobs.put(bucket, key, [key.encode()])
    listed = [blob.key for page in pages(blobs, bucket, limit=7) for blob in page.blobs]
    assert listed == sorted(AWKWARD, key=str.encode)
    assert all(content(blobs, bucket, key) == key.encode() for key in AWKWARD)
    for key in AWKWARD:
        blobs.delete(bucket, key)
    assert blobs.list(bucket).blobs == ()


KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=90).filter(lambda key: len(key.encode()) <= 1024)
TREES = st.lists(
    st.one_of(KEYS, st.text("a/@%.!x", min_size=1, max_size=8), st.text("ab/", min_size=300, max_size=900)),
    min_size=1,
    max_size=12,
    unique=True,
)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def memory(tmp_path):
    """A folder that needs no disk, where the system has one: hundreds of objects are synced."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else tmp_path) as folder:
        yield Path(folder)


@QUICK
@given(
    keys=TREES,
    prefix=st.text("a/@.", max_size=2),
    delimiter=st.sampled_from(["", "/", "a", "a/"]),
    limit=st.integers(1, 5),
)
def test_a_listing_is_what_a_sorted_list_gives(memory, keys, prefix, delimiter, limit):
    blobs = FolderBlobStore(memory)
    blobs.create_bucket("any")
    for key in keys:
        blobs.put("any", key, [key.encode()])
    found = list(pages(blobs, "any", prefix=prefix, delimiter=delimiter, limit=limit))
    listed = [blob.key for page in found for blob in page.blobs]
    assert (listed, [group for page in found for group in page.prefixes]) == expected(keys, prefix, delimiter)
    assert all(1 <= len(page.blobs) + len(page.prefixes) <= limit for page in found[:-1])
    for key in keys:
        assert content(blobs, "any", key) == key.encode()
        blobs.delete("any", key)
    blobs.delete_bucket("any")


def expected(keys, prefix, delimiter):
    plain, groups = [], []
    for key in sorted(keys):
        if key.startswith(prefix):
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            group = key[: cut + len(delimiter)]
            if cut < 0:
                plain.append(key)
            elif group not in groups:
                groups.append(group)
    return plain, groups


def test_common_prefixes_and_pages(blobs, bucket):
    for key in ("a", "b/1", "b/2", "c/x/1", "c/x/2", "d"):
        blobs.put(bucket, key, [b""])
    found = pages(blobs, bucket, delimiter="/", limit=2)
    rows = [([blob.key for blob in page.blobs], list(page.prefixes)) for page in found]
    assert rows == [(["a"], ["b/"]), (["d"], ["c/"])]
    assert [blob.key for blob in blobs.list(bucket, prefix="c/", after="c/x/1").blobs] == ["c/x/2"]
    assert blobs.list(bucket, prefix="c/", delimiter="/").prefixes == ("c/x/",)


@pytest.mark.parametrize("key", ["", "x" * 1025, "\ud800"])
def test_a_key_that_is_none_is_refused(folder, key):
    if not folder.has_bucket("keys"):
        folder.create_bucket("keys")
    with pytest.raises(Invalid):
        folder.put("keys", key, [b""])


@pytest.mark.parametrize(
    "name", ["..", "a", ".naiad", "a/b", "UPPER", "a..b", "1.2.3.4", "x" * 64, "", "a\x00b", "-ab"]
)
def test_a_bucket_that_is_none_is_refused(blobs, name):
    with pytest.raises(Invalid):
        blobs.create_bucket(name)


def test_buckets_live_and_go(blobs):
    blobs.create_bucket("here")
    with pytest.raises(errors.BucketExists):
        blobs.create_bucket("here")
    assert "here" in [name for name, _ in blobs.buckets()]
    blobs.put("here", "k/k", [b""])
    with pytest.raises(errors.BucketNotEmpty):
        blobs.delete_bucket("here")
    blobs.delete("here", "k/k")
    blobs.delete_bucket("here")
    assert not blobs.has_bucket("here")
    with pytest.raises(errors.NoSuchBucket):
        blobs.delete_bucket("here")


def test_conditional_puts(blobs, bucket):
    only_new = WriteCondition(if_none_match="*")
    first = blobs.put(bucket, "k", [b"1"], condition=only_new)
    with pytest.raises(errors.PreconditionFailed):
        blobs.put(bucket, "k", [b"2"], condition=only_new)
    with pytest.raises(errors.PreconditionFailed):
        blobs.put(bucket, "k", [b"2"], condition=WriteCondition(if_match="0" * 32))
    with pytest.raises(errors.NoSuchKey):
        blobs.put(bucket, "other", [b"2"], condition=WriteCondition(if_match=first.etag))
    blobs.put(bucket, "k", [b"3"], condition=WriteCondition(if_match=first.etag))
    assert content(blobs, bucket, "k") == b"3"


def test_conditional_deletions(blobs, bucket):
    first = blobs.put(bucket, "k", [b"1"])
    with pytest.raises(errors.PreconditionFailed):
        blobs.delete(bucket, "k", condition=WriteCondition(if_match="0" * 32))
    assert content(blobs, bucket, "k") == b"1"
    blobs.delete(bucket, "k", condition=WriteCondition(if_match=first.etag))
    with pytest.raises(errors.NoSuchKey):
        blobs.delete(bucket, "k", condition=WriteCondition(if_match=first.etag))


def test_of_many_conditional_puts_one_wins(blobs, bucket):
    wins = []

    def put(number):
        with contextlib.suppress(errors.PreconditionFailed):
            blobs.put(bucket, "k", [str(number).encode()], condition=WriteCondition(if_none_match="*"))
            wins.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1
    assert content(blobs, bucket, "k") == str(wins[0]).encode()


def test_a_copy_keeps_or_replaces_what_is_said(blobs, bucket):
    put = blobs.put(bucket, "a b", [b"content"], content_type="text/plain", metadata={"n": "1"})
    blobs.copy((bucket, "a b"), bucket, "c")
    kept = blobs.head(bucket, "c")
    assert (kept.content_type, kept.metadata, kept.etag) == ("text/plain", {"n": "1"}, put.etag)
    new = ObjectInfo(bucket, "", 0, "", put.modified_at, content_type="text/css", metadata={"n": "2"})
    blobs.copy((bucket, "c"), bucket, "c", replace=new)
    replaced = blobs.head(bucket, "c")
    assert (replaced.content_type, replaced.metadata) == ("text/css", {"n": "2"})
    assert content(blobs, bucket, "c") == b"content"
    with pytest.raises(errors.NoSuchKey):
        blobs.copy((bucket, "nothing"), bucket, "d")


def put_parts(blobs, upload, *contents):
    parts = [blobs.put_part(upload, number, [data]) for number, data in enumerate(contents, 1)]
    return [CompletedPart(part.number, part.etag) for part in parts]


def test_an_upload_becomes_an_object(blobs, bucket):
    big, small = b"x" * MIN_PART_BYTES, b"end"
    upload = blobs.start_upload(
        bucket, "k", content_type="text/plain", metadata={"a": "b"}, algorithm="crc32", full_object=True
    )
    assert [row.upload_id for row in blobs.list_uploads(bucket)] == [upload.upload_id]
    parts = [blobs.put_part(upload, n, [data], checksums={"crc32": ""}) for n, data in ((1, big), (3, small))]
    assert [part.number for part in blobs.list_parts(upload)] == [1, 3]
    claims = [CompletedPart(part.number, part.etag, part.checksums) for part in parts]
    made = blobs.complete_upload(bucket, "k", upload.upload_id, claims)
    joined = hashlib.md5(hashlib.md5(big).digest() + hashlib.md5(small).digest()).hexdigest()
    assert made.etag == f"{joined}-2"
    found = blobs.head(bucket, "k")
    assert (found.size, found.content_type, found.metadata) == (len(big) + 3, "text/plain", {"a": "b"})
    assert found.checksums == {"crc32": base64.b64encode(zlib.crc32(big + small).to_bytes(4)).decode()}
    assert content(blobs, bucket, "k") == big + small
    assert blobs.list_uploads(bucket) == ()
    assert blobs.complete_upload(bucket, "k", upload.upload_id, claims).etag == made.etag


def test_an_upload_is_refused_as_aws_does(blobs, bucket):
    upload = blobs.start_upload(bucket, "k")
    claims = put_parts(blobs, upload, b"small", b"last")
    for wrong, error in [
        (claims, errors.EntityTooSmall),
        (claims[::-1], errors.InvalidPartOrder),
        ([CompletedPart(7, claims[0].etag)], errors.InvalidPart),
        ([CompletedPart(1, "0" * 32)], errors.InvalidPart),
        ([], errors.InvalidPart),
    ]:
        with pytest.raises(error):
            blobs.complete_upload(bucket, "k", upload.upload_id, wrong)
    with pytest.raises(Invalid):
        blobs.put_part(upload, 10_001, [b""])
    blobs.abort_upload(bucket, "k", upload.upload_id)
    with pytest.raises(errors.NoSuchUpload):
        blobs.put_part(upload, 1, [b""])
    with pytest.raises(errors.NoSuchKey):
        blobs.head(bucket, "k")


def test_a_bucket_goes_with_its_unfinished_uploads(blobs):
    blobs.create_bucket("unfinished")
    put_parts(blobs, blobs.start_upload("unfinished", "k"), b"x")
    blobs.delete_bucket("unfinished")
    blobs.create_bucket("unfinished")
    assert blobs.list_uploads("unfinished") == ()
    blobs.delete_bucket("unfinished")
