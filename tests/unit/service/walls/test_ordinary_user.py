"""The walls once more, around the programs of a server that an ordinary user runs."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOM = Path(__file__).parent
USER_ID = 12_345
SETPRIV = ("setpriv", f"--reuid={USER_ID}", f"--regid={USER_ID}", "--clear-groups", "--inh-caps=-all")
UNSHARE = ("unshare", "--user", f"--map-user={USER_ID}", f"--map-group={USER_ID}")
"""The way for an interpreter in the home of root: a user who is an ordinary one in its namespace, and may read what root may."""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user already")
@pytest.mark.parametrize("room", ["walls", "jobs/agent"])
def test_an_ordinary_users_server_has_the_same_walls(room: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, USER_ID, USER_ID)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        variables = {**kept, "HOME": home, "TMPDIR": home, "PYTHONDONTWRITEBYTECODE": "1"}
        user = SETPRIV if can_run_as(SETPRIV) else UNSHARE
        done = subprocess.run(
            [
                *user,
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:xdist",
                f"{ROOM.parent}/{room}",
            ],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
    print(user[0], done.stdout[-2_000:])
    assert (done.returncode, " passed" in done.stdout) == (0, True), done.stdout[-10_000:] + done.stderr[-2_000:]


def can_run_as(user: tuple[str, ...]) -> bool:
    """Whether the user has this very interpreter, and not another of the machine that takes its place."""
    code = "import sys, pytest, naiad; sys.exit(sys.base_prefix != sys.argv[1])"
    words = (*user, sys.executable, "-c", code, sys.base_prefix)
    return subprocess.run(words, cwd=ROOM, capture_output=True, check=False).returncode == 0
