"""Archives, hostile ones among them."""

import gzip
import io
import os
import tarfile
from types import SimpleNamespace

import pytest

from naiad.archive import extract_tar, read_member
from naiad.errors import ArchiveError


def archive(
    *members: tuple[str, bytes | tarfile.TarInfo], mode: str = "w:gz", form: int = tarfile.PAX_FORMAT
) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as tar:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    out.seek(0)
    return out


def special(kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize("mode", ["w:gz", "w", "w:bz2"])
def test_files_and_folders_come_out(tmp_path, mode):
    extract_tar(archive(("a.py", b"1"), ("deep/er/b.txt", b"22"), ("./c", b"3"), mode=mode), tmp_path)
    assert {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == {
        "a.py": b"1",
        "deep/er/b.txt": b"22",
        "c": b"3",
    }


@pytest.mark.parametrize(
    "member",
    [
        ("../out", b"x"),
        ("/etc/x", b"x"),
        ("a/../../out", b"x"),
        ("link", special(tarfile.SYMTYPE, "/etc/passwd")),
        ("hard", special(tarfile.LNKTYPE, "a.py")),
        ("pipe", special(tarfile.FIFOTYPE)),
        ("device", special(tarfile.CHRTYPE)),
    ],
    ids=lambda member: member[0],
)
def test_members_outside_the_target_and_special_files_are_refused(tmp_path, member):
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(ArchiveError):
        extract_tar(archive(member), target)
    assert not list(target.rglob("*"))
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_an_archive_over_the_limits_is_refused(tmp_path):
    with pytest.raises(ArchiveError, match="more than"):
        extract_tar(archive(("zeros", bytes(10**6))), tmp_path, max_bytes=1000)
    with pytest.raises(ArchiveError, match="more than 3 files"):
        extract_tar(archive(*((str(i), b"") for i in range(5))), tmp_path, max_files=3)


def test_a_small_archive_with_a_large_content_is_refused(tmp_path):
    bomb = archive(("zeros", bytes(300 * 2**20)))
    assert len(bomb.getvalue()) < 2**20
    with pytest.raises(ArchiveError, match="more than"):
        extract_tar(bomb, tmp_path)
    assert not list(tmp_path.iterdir())
    extract_tar(archive(("text", b"line\n" * 10**6)), tmp_path)  # small, and well packed


def header(kind: bytes, size: int) -> bytes:
    """Returns the header of a member; its size need not be that of the content."""
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def packed(*parts: bytes) -> io.BytesIO:
    return io.BytesIO(gzip.compress(b"".join(parts)))


@pytest.mark.parametrize(
    ("tar", "reason"),
    [
        (packed(header(tarfile.GNUTYPE_LONGNAME, 10**9)), "a header of 1,000,000,000 bytes"),
        (packed(header(tarfile.XHDTYPE, 10**9)), "a header of 1,000,000,000 bytes"),
        (packed(header(tarfile.XGLTYPE, 65_537)), "a header of 65,537 bytes"),
        (packed(header(tarfile.REGTYPE, -512)), "a header of -512 bytes"),
        (packed(header(tarfile.GNUTYPE_SPARSE, 512)), "a sparse file"),
        (packed(header(tarfile.XHDTYPE, 0) * 2000, header(tarfile.REGTYPE, 0)), "cannot be read"),
    ],
    ids=["long name", "description", "description of all", "negative", "sparse", "headers of headers"],
)
def test_headers_that_would_take_much_memory_are_refused(tmp_path, tar, reason):
    with pytest.raises(ArchiveError, match=reason):
        extract_tar(tar, tmp_path)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"size": "-1024"}, "-1,024 bytes"),
        ({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a"}, "a sparse file"),
        ({"GNU.sparse.map": "0,1000000000000", "GNU.sparse.size": "1000000000000"}, "more than"),
    ],
    ids=["negative", "sparse", "sparse, with its map"],
)
def test_headers_that_lie_about_the_size_are_refused(tmp_path, headers, reason):
    info = tarfile.TarInfo("a")
    info.pax_headers = headers
    with pytest.raises(ArchiveError, match=reason):
        extract_tar(archive(("a", info)), tmp_path)


def test_long_names_are_allowed(tmp_path):
    name = "/".join(["folder" * 10] * 10)
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        extract_tar(archive((name, b"x"), form=form), tmp_path)
    assert (tmp_path / name).read_bytes() == b"x"


def test_a_name_that_is_too_long_for_the_disk(tmp_path):
    with pytest.raises(ArchiveError, match="cannot be read: File name too long"):
        extract_tar(archive(("x" * 300, b"")), tmp_path)


def test_at_most_half_of_the_free_space_is_used(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    extract_tar(archive(("a", bytes(500))), tmp_path)
    with pytest.raises(ArchiveError, match="more than 100,000 files or 500 bytes"):
        extract_tar(archive(("a", bytes(501))), tmp_path)


def test_a_file_that_is_not_an_archive(tmp_path):
    for content in (b"", b"not a tar", archive(("a", os.urandom(50_000))).getvalue()[:-9_000]):
        with pytest.raises(ArchiveError, match="cannot be read"):
            extract_tar(io.BytesIO(content), tmp_path)


@pytest.mark.parametrize("name", ["wanted", "./wanted"])
def test_one_file_is_read(name):
    assert read_member(archive(("other", b"1"), (name, b"2")), "wanted") == b"2"
    assert read_member(archive(("other", b"1"), ("deep/wanted", b"2")), "wanted") is None
    assert read_member(archive(("wanted", special(tarfile.SYMTYPE, "/etc/passwd"))), "wanted") is None


def test_one_file_that_is_too_large_is_not_read():
    with pytest.raises(ArchiveError, match="holds wanted of 11 bytes, more than 10"):
        read_member(archive(("wanted", bytes(11))), "wanted", max_bytes=10)


def test_a_small_archive_with_a_large_content_is_not_searched():
    bomb = archive(("zeros", bytes(300 * 2**20)), ("wanted", b"x"))
    with pytest.raises(ArchiveError, match="more than"):
        read_member(bomb, "wanted")
