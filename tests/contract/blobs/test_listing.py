"""The contract of blobs/port.py on each store: keys and their listing."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.domain.errors import Invalid

AWKWARD = [
    *("a", "a/b", "a/b/c", "a//b", "/a", "a/", "//", "..", "../up", "a/../b", ".", "./a", ".hidden", "with space", " "),
    *("über/straße", "日本語", "😀" * 70, "%41", "%", "a%2Fb", "@", "a@", "a@more", "a+b", "x" * 300, "x" * 300 + "/y"),
    *("x" * 1024, "/" * 100, "a!", "a0", "a\\b", "con", "UPPER", "upper", "tab\there", "q?x=1#y&z"),
]


def test_every_awkward_key_is_a_key_like_others(blobs, bucket, list_pages, read_object):
    for key in AWKWARD:
        blobs.put(bucket, key, [key.encode()])
    listed = [info.key for page in list_pages(blobs, bucket, limit=7) for info in page.objects]
    assert listed == sorted(AWKWARD, key=str.encode)
    assert all(read_object(blobs, bucket, key) == key.encode() for key in AWKWARD)
    for key in AWKWARD:
        blobs.delete(bucket, key)
    assert blobs.list(bucket).objects == ()


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
    """A folder in memory, where the system has one: hundreds of objects are synced."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else tmp_path) as folder:
        yield Path(folder)


@QUICK
@given(
    keys=TREES,
    prefix=st.text("a/@.", max_size=2),
    delimiter=st.sampled_from(["", "/", "a", "a/"]),
    limit=st.integers(1, 5),
)
def test_a_listing_equals_that_of_a_sorted_list(memory, keys, prefix, delimiter, limit, list_pages, read_object):
    blobs = FolderBlobStore(memory)
    blobs.create_bucket("any")
    for key in keys:
        blobs.put("any", key, [key.encode()])
    listed_pages = list(list_pages(blobs, "any", prefix=prefix, delimiter=delimiter, limit=limit))
    listed = [info.key for page in listed_pages for info in page.objects]
    assert (listed, [group for page in listed_pages for group in page.prefixes]) == expected(keys, prefix, delimiter)
    assert all(1 <= len(page.objects) + len(page.prefixes) <= limit for page in listed_pages[:-1])
    for key in keys:
        assert read_object(blobs, "any", key) == key.encode()
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


def test_common_prefixes_and_pages(blobs, bucket, list_pages):
    for key in ("a", "b/1", "b/2", "c/x/1", "c/x/2", "d"):
        blobs.put(bucket, key, [b""])
    listed_pages = list_pages(blobs, bucket, delimiter="/", limit=2)
    rows = [([info.key for info in page.objects], list(page.prefixes)) for page in listed_pages]
    assert rows == [(["a"], ["b/"]), (["d"], ["c/"])]
    assert [info.key for info in blobs.list(bucket, prefix="c/", start_after="c/x/1").objects] == ["c/x/2"]
    assert blobs.list(bucket, prefix="c/", delimiter="/").prefixes == ("c/x/",)


@pytest.mark.parametrize("key", ["", "x" * 1025, "\ud800"])
def test_an_invalid_key_is_refused(folder, key):
    if not folder.has_bucket("keys"):
        folder.create_bucket("keys")
    with pytest.raises(Invalid):
        folder.put("keys", key, [b""])
