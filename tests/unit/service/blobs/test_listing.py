import os
import time

from naiad.service.blobs import listing
from naiad.service.blobs.listing import FolderCache, KeyWalk, collect_page
from naiad.service.blobs.names import key_to_names


def put(root, *keys):
    for key in keys:
        path = root.joinpath(*key_to_names(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def walk_keys(root, *, prefix="", start_after=""):
    walk = KeyWalk(FolderCache(), root, prefix=prefix, start_after=start_after)
    return list(iter(walk.next_key, None))


def test_the_order_is_that_of_the_keys(tmp_path):
    keys = ["a", "a!", "a/b", "a0", "b/c/d", "b/c!"]
    put(tmp_path, *keys)
    assert walk_keys(tmp_path) == sorted(keys)
    assert walk_keys(tmp_path, prefix="b/") == ["b/c!", "b/c/d"]
    assert walk_keys(tmp_path, start_after="a/b") == ["a0", "b/c!", "b/c/d"]
    assert walk_keys(tmp_path, prefix="a", start_after="a!") == ["a/b", "a0"]


def test_empty_folders_and_foreign_files_are_ignored(tmp_path):
    put(tmp_path, "k")
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    (tmp_path / "plain file").touch()
    assert walk_keys(tmp_path) == ["k"]


def test_a_common_prefix_is_skipped_whole(tmp_path):
    put(tmp_path, "a/1", "a/2", "b")
    walk = KeyWalk(FolderCache(), tmp_path, prefix="", start_after="a/")
    page = collect_page(walk, prefix="", delimiter="/", start_after="a/", limit=5)
    assert (page.keys, page.prefixes, page.next_start_after) == (("b",), (), None)


def test_only_stable_folders_are_cached(tmp_path):
    put(tmp_path, *(f"k{number}" for number in range(600)))
    cache = FolderCache()
    assert cache.entries(str(tmp_path)) is not cache.entries(str(tmp_path))
    os.utime(tmp_path, (time.time() - 60, time.time() - 60))
    assert cache.entries(str(tmp_path)) is cache.entries(str(tmp_path))
    put(tmp_path, "new")
    assert len(cache.entries(str(tmp_path))) == 601
    assert cache.entries(str(tmp_path / "none")) == []


def test_a_large_folder_is_sorted_in_steps(tmp_path, monkeypatch):
    """A million names in one step held up every other thread for a second."""
    monkeypatch.setattr(listing, "_SORTED_AT_ONCE", 3)
    keys = [f"k{number * 7 % 10}" for number in range(10)]
    put(tmp_path, *keys)
    assert walk_keys(tmp_path) == sorted(keys)
    assert walk_keys(tmp_path / "nothing") == []
