"""Gives a program's folders to its user, where the server runs as root and its programs do not."""

import os

from naiad.service.walls.launch_request import Walls


def give_to_program(walls: Walls) -> None:
    """Changes the owner of all that is in the program's own folders. Does nothing for a program of the server's own user.

    For folders in which no program runs. Never follows a link. Raises OSError.
    """
    if walls.view is None or not walls.user_id:
        return
    for bind in walls.view.binds:
        if bind.is_writable:
            _change_owner(bind.source, walls.user_id)


def _change_owner(folder: str, user_id: int) -> None:
    os.chown(folder, user_id, user_id, follow_symlinks=False)
    for _, folders, files, descriptor in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, user_id, user_id, dir_fd=descriptor, follow_symlinks=False)
