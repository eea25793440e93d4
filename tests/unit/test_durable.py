"""Files as a reader finds them after a write, a failure, a kill at any point, and on a full disk."""

import errno
import os
import stat
import subprocess
import sys
import textwrap

import pytest

from naiad import durable


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_write_file_replaces_and_leaves_nothing_else(tmp_path):
    durable.write_file(tmp_path / "a", b"old")
    durable.write_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names_in(tmp_path) == ["a"]


def test_write_file_that_fails_keeps_the_old_file(tmp_path):
    durable.write_file(tmp_path / "a", b"old")
    with pytest.raises(TypeError):
        durable.write_file(tmp_path / "a", "no bytes")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


def test_write_file_does_not_replace_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        durable.write_file(tmp_path / "a", b"new")
    assert names_in(tmp_path) == ["a"]


def test_the_mode_is_exact_whatever_a_killed_writer_left(tmp_path):
    (tmp_path / "a").touch(mode=0o644)
    (tmp_path / "a.partial").touch(mode=0o644)
    durable.write_file(tmp_path / "a", b"secret", mode=0o600)
    assert mode(tmp_path / "a") == 0o600
    before = os.umask(0o027)
    try:
        durable.write_file(tmp_path / "b", b"")
    finally:
        os.umask(before)
    assert mode(tmp_path / "b") == 0o640


def test_ensure_file_keeps_what_is_there_for_its_owner_alone(tmp_path):
    durable.ensure_file(tmp_path / "a", mode=0o600)
    (tmp_path / "a").write_bytes(b"kept")
    (tmp_path / "a").chmod(0o644)
    durable.ensure_file(tmp_path / "a", mode=0o600)
    assert (tmp_path / "a").read_bytes() == b"kept"
    assert mode(tmp_path / "a") == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        durable.ensure_file(tmp_path / "link", mode=0o600)


def test_rename_takes_files_and_folders(tmp_path):
    (tmp_path / "a").write_bytes(b"new")
    (tmp_path / "b").write_bytes(b"old")
    durable.rename(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    durable.rename(tmp_path / "folder", tmp_path / "renamed")
    assert names_in(tmp_path) == ["b", "renamed"]


def test_folders_are_made_once_for_their_owner(tmp_path):
    assert durable.make_folders(tmp_path, ("a", "b")) == tmp_path / "a" / "b"
    assert durable.make_folders(tmp_path, ("a", "b")) == tmp_path / "a" / "b"
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    with pytest.raises(FileNotFoundError):
        durable.make_folders(tmp_path / "none", ("a",))


def test_a_private_folder_is_closed_to_others(tmp_path):
    (tmp_path / "a").mkdir(mode=0o755)
    for folder in (tmp_path / "a", tmp_path / "b" / "c"):
        durable.make_private_folder(folder)
        assert mode(folder) == 0o700


def test_remove_takes_files_folders_and_links_but_not_their_targets(tmp_path):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "file").touch()
    for name in ("folder", "link", "file", "none"):
        durable.remove(tmp_path / name)
    assert names_in(tmp_path) == ["kept"]


def test_a_full_disk_is_seen_in_what_an_error_came_from():
    assert durable.is_disk_full(OSError(errno.EDQUOT, "quota"))
    error = RuntimeError("could not save")
    error.__cause__ = OSError(errno.ENOSPC, "no space")
    assert durable.is_disk_full(error)
    assert durable.is_disk_full(RuntimeError("PytorchStreamWriter failed writing file"))
    assert not durable.is_disk_full(RuntimeError("could not save"))
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first  # an error that was raised again while it was handled
    assert not durable.is_disk_full(first)
    assert not durable.is_disk_full(PermissionError(errno.EACCES, "closed"))


KILLED_AT_EACH_STEP = """
    import os, signal, sys
    from pathlib import Path
    from naiad import durable

    EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.fsync"}
    NEW = b"new" * 100_000
    fsync = os.fsync

    def write(folder, data):
        durable.write_file(durable.make_folders(folder, ("a", "b")) / "file", data)

    def write_until_killed(folder, count):
        def hook(event, arguments):
            nonlocal count
            if event in EVENTS and str(folder) in str(arguments[0]):
                count -= 1
                if not count:
                    os.kill(os.getpid(), signal.SIGKILL)

        os.fsync = lambda descriptor: (sys.audit("os.fsync", str(folder)), fsync(descriptor))
        sys.addaudithook(hook)
        write(folder, NEW)
        os._exit(0)

    def steps(base, before):
        for count in range(1, 100):
            folder = base / f"{before}-{count}"
            folder.mkdir()
            file = folder / "a" / "b" / "file"
            if before is not None:
                write(folder, before)
            child = os.fork()
            if not child:
                write_until_killed(folder, count)
            status = os.waitpid(child, 0)[1]
            content = file.read_bytes() if file.exists() else None
            assert content in (before, NEW), (count, content)
            write(folder, b"next")
            assert file.read_bytes() == b"next"
            assert os.listdir(file.parent) == ["file"]
            if not status:
                assert content == NEW
                return count - 1

    print(steps(Path(sys.argv[1]), None), steps(Path(sys.argv[1]), b"old"))
"""


def test_after_a_kill_at_any_step_a_reader_finds_the_old_file_or_the_new_one(tmp_path):
    """The steps: two folders made and synced, then open, fsync, rename and the sync of the folder."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED_AT_EACH_STEP), tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["11", "7"], done.stderr


FILL_A_SMALL_DISK = """
    import os, sys
    from pathlib import Path
    from naiad import durable

    folder = Path(sys.argv[1])
    durable.write_file(folder / "a", b"old")
    try:
        durable.write_file(folder / "a", bytes(4_000_000))
    except OSError as error:
        print(durable.is_disk_full(error), sorted(os.listdir(folder)), (folder / "a").read_bytes())
"""


def test_on_a_disk_that_is_really_full_the_old_file_stays(tmp_path):
    command = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    outcome = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", command, "sh", tmp_path, sys.executable, textwrap.dedent(FILL_A_SMALL_DISK)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if outcome.returncode and ("unshare" in outcome.stderr or "mount" in outcome.stderr):
        pytest.skip(f"no small disk can be mounted here: {outcome.stderr.strip()}")
    assert outcome.stdout.strip() == "True ['a'] b'old'", outcome.stderr


def test_content_that_is_there_is_not_written_again(tmp_path, monkeypatch):
    durable.ensure_content(tmp_path / "a", b"old", mode=0o600)
    written = (tmp_path / "a").stat().st_ino
    durable.ensure_content(tmp_path / "a", b"old", mode=0o600)
    assert (tmp_path / "a").stat().st_ino == written
    durable.ensure_content(tmp_path / "a", b"new", mode=0o600)
    (tmp_path / "a").chmod(0o644)
    durable.ensure_content(tmp_path / "a", b"new", mode=0o600)
    assert (mode(tmp_path / "a"), (tmp_path / "a").read_bytes()) == (0o600, b"new")


def test_trouble_of_a_disk_is_known_by_its_cause():
    for number, is_trouble in ((errno.EIO, True), (errno.ENOSPC, True), (errno.EROFS, True), (errno.EACCES, False)):
        error = ValueError("outer")
        error.__cause__ = OSError(number, "inner")
        assert durable.is_disk_trouble(error) is is_trouble
