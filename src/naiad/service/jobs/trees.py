"""Folders that a program has filled, taken away: what they hold may be closed, deeper than a path, or a link at others."""

import os
from pathlib import Path
from uuid import uuid4

from naiad.service.executors.files import ML, TMP, WORK

PROGRAM_FOLDERS = (ML, TMP, WORK)
"""Of an instance's folder, those that its program fills."""


def remove_program_files(instance_folder: Path) -> None:
    """The small files (log, metrics, what was asked and reported) stay. Raises OSError for what cannot go."""
    for name in PROGRAM_FOLDERS:
        remove_tree(instance_folder / name)


def remove_tree(folder: Path) -> None:
    """Never follows a link; a folder that its owner closed to himself goes too. Raises OSError for what cannot go."""
    if folder.is_symlink():
        folder.unlink()
        return
    if not folder.exists():
        return
    folder.chmod(0o700)
    while inner := _without_files(folder):
        for one in inner:
            for deeper in _without_files(one):
                deeper.rename(folder / uuid4().hex)
            one.rmdir()
    folder.rmdir()


def folders(folder: Path) -> list[Path]:
    """Real ones, not links to others."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _without_files(folder: Path) -> list[Path]:
    """Its folders, open to us, and nothing else any more. A tree is taken apart from above: it may be deeper than a path."""
    inner = folders(folder)
    for one in inner:
        one.chmod(0o700)
    for path in set(folder.iterdir()).difference(inner):
        path.unlink()
    return inner
