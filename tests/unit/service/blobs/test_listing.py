import os
import time

from naiad.service.blobs.listing import FolderCache, KeyWalk, page_of
from naiad.service.blobs.names import names_of


def put(root, *keys):
    for key in keys:
        path = root.joinpath(*names_of(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def walked(root, *, prefix="", after=""):
    walk = KeyWalk(FolderCache(), root, prefix=prefix, after=after)
    return list(iter(walk.next_key, None))


def test_the_order_is_that_of_the_keys(tmp_path):
    keys = ["a", "a!", "a/b", "a0", "b/c/d", "b/c!"]
    put(tmp_path, *keys)
    assert walked(tmp_path) == sorted(keys)
    assert walked(tmp_path, prefix="b/") == ["b/c!", "b/c/d"]
    assert walked(tmp_path, after="a/b") == ["a0", "b/c!", "b/c/d"]
    assert walked(tmp_path, prefix="a", after="a!") == ["a/b", "a0"]


def test_empty_folders_and_files_of_others_are_nothing(tmp_path):
    put(tmp_path, "k")
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    (tmp_path / "plain file").touch()
    assert walked(tmp_path) == ["k"]


def test_a_group_is_passed_over_whole(tmp_path):
    put(tmp_path, "a/1", "a/2", "b")
    walk = KeyWalk(FolderCache(), tmp_path, prefix="", after="a/")
    page = page_of(walk, prefix="", delimiter="/", after="a/", limit=5)
    assert (page.keys, page.prefixes, page.next_start_after) == (("b",), (), None)


def test_only_settled_folders_are_remembered(tmp_path):
    put(tmp_path, *(f"k{number}" for number in range(600)))
    names = FolderCache()
    assert names.entries(str(tmp_path)) is not names.entries(str(tmp_path))
    os.utime(tmp_path, (time.time() - 60, time.time() - 60))
    assert names.entries(str(tmp_path)) is names.entries(str(tmp_path))
    put(tmp_path, "new")
    assert len(names.entries(str(tmp_path))) == 601
    assert names.entries(str(tmp_path / "none")) == []
