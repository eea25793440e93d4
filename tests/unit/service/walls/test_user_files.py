import os
from pathlib import Path

import pytest

from naiad.service.walls.file_view import Bind, FileView
from naiad.service.walls.launch_request import Walls
from naiad.service.walls.user_files import give_to_program

USER = 2_000_000_000


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_programs_folders_become_its_own(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own / "deep", other):
        folder.mkdir(parents=True)
        (folder / "file").touch()
    (own / "link").symlink_to(other / "file")
    view = FileView((Bind(str(own), "/opt/ml", is_writable=True), Bind(str(other), "/usr")), (), ())
    give_to_program(Walls(view, user_id=USER))
    assert {path.lstat().st_uid for path in (own, *own.rglob("*"))} == {USER}
    assert {path.stat().st_uid for path in (other, other / "file")} == {0}


def test_nothing_changes_for_a_program_of_the_servers_user(tmp_path: Path) -> None:
    view = FileView((Bind(str(tmp_path), "/opt/ml", is_writable=True),), (), ())
    for walls in (Walls(view), Walls(view, user_id=0), Walls(view=None, user_id=USER)):
        give_to_program(walls)
    assert tmp_path.stat().st_uid == os.geteuid()
