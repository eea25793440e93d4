"""Removes the folders that a program has filled: with closed folders, trees deeper than any path, or links to other folders."""

import os
from pathlib import Path
from uuid import uuid4

from naiad.service.executors.instance_files import ML_FOLDER, TMP_FOLDER, WORK_FOLDER

PROGRAM_FOLDERS = (ML_FOLDER, TMP_FOLDER, WORK_FOLDER)
"""The folders in an instance's folder that its program fills."""


def remove_program_files(instance_folder: Path) -> None:
    """Removes the program's folders and keeps the small files (log, metrics, spec, report). Raises OSError."""
    for name in PROGRAM_FOLDERS:
        remove_tree(instance_folder / name)


def remove_tree(folder: Path) -> None:
    """Removes a folder with all that is in it, folders without permissions too. Never follows a link. Raises OSError."""
    if folder.is_symlink():
        folder.unlink()
        return
    if not folder.exists():
        return
    folder.chmod(0o700)
    while children := _remove_files(folder):
        for child in children:
            for grandchild in _remove_files(child):
                grandchild.rename(folder / uuid4().hex)
            child.rmdir()
    folder.rmdir()


def subfolders(folder: Path) -> list[Path]:
    """Returns the folders in a folder, sorted, without links to folders; none when the folder is missing."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _remove_files(folder: Path) -> list[Path]:
    """Removes all but the folders in a folder, and returns these, opened for us.

    A tree is removed from the top, because it may be deeper than the longest path.
    """
    children = subfolders(folder)
    for child in children:
        child.chmod(0o700)
    for path in set(folder.iterdir()).difference(children):
        path.unlink()
    return children
