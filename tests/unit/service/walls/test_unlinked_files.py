import mmap
import os
from pathlib import Path

from naiad.service.walls.unlinked_files import unlinked_bytes

MB = 2**20


def test_files_without_a_name_count_while_they_are_open(tmp_path: Path) -> None:
    device, pids = tmp_path.stat().st_dev, (os.getpid(), 0)
    before = unlinked_bytes(pids, device)
    with (tmp_path / "file").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 3 * MB)
        assert unlinked_bytes(pids, device) == before
        (tmp_path / "file").unlink()
        assert 3 * MB <= unlinked_bytes(pids, device) - before < 4 * MB
        assert unlinked_bytes(pids, 0) == 0
    assert unlinked_bytes(pids, device) == before


def test_files_that_are_only_mapped_count(tmp_path: Path) -> None:
    """Read from files like those of /proc would not show that the numbers of the device are understood."""
    device, pids = tmp_path.stat().st_dev, (os.getpid(),)
    before = unlinked_bytes(pids, device)
    read, write = os.pipe()
    descriptor = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    os.posix_fallocate(descriptor, 0, 2 * MB)
    (tmp_path / "file").unlink()
    child = os.fork()
    if child == 0:
        held = mmap.mmap(descriptor, 2 * MB)
        os.close(write)
        os.closerange(descriptor, descriptor + 100)
        os.read(read, 1)
        os._exit(len(held) % 2)
    os.close(descriptor)
    try:
        while unlinked_bytes((child,), device) != 2 * MB:
            os.sched_yield()
        assert unlinked_bytes(pids, device) == before
    finally:
        os.close(write)
        os.close(read)
        os.kill(child, 9)
        os.waitpid(child, 0)
