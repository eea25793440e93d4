"""The folders of a program are removed, whatever it has put into them."""

import os
from pathlib import Path

from naiad.service.walls.removal import remove_program_files, remove_tree, subfolders


def test_the_small_files_of_an_instance_are_kept(tmp_path: Path) -> None:
    for name in ("ml/model", "tmp", "work"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "large").write_bytes(b"x")
    (tmp_path / "log").write_text("small")
    remove_program_files(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    remove_program_files(tmp_path)


def test_a_link_to_a_folder_is_not_a_subfolder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "file").touch()
    assert subfolders(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert subfolders(tmp_path / "absent") == []


def test_folders_without_permissions_are_removed(tmp_path: Path) -> None:
    closed = tmp_path / "tree" / "closed"
    (closed / "inner").mkdir(parents=True)
    (closed / "inner").chmod(0)
    closed.chmod(0)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_a_tree_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    """It is deeper than Python's recursion, too."""
    tree = tmp_path / "tree"
    tree.mkdir()
    folder = os.open(tree, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("deep", dir_fd=folder)
        inner = os.open("deep", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(os.open("file", os.O_CREAT, dir_fd=folder))
    os.close(folder)
    remove_tree(tree)
    assert not list(tmp_path.iterdir())
