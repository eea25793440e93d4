"""Archives that want more than to be extracted."""

import io
import tarfile

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.archive import extract_tar


def archive(*members: tuple[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
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
def test_what_leads_elsewhere_is_refused(tmp_path, member):
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(Invalid):
        extract_tar(archive(member), target)
    assert not list(target.rglob("*"))
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    with pytest.raises(Invalid, match="more than"):
        extract_tar(archive(("zeros", bytes(10**6))), tmp_path, most_bytes=1000)
    with pytest.raises(Invalid, match="more than 3 files"):
        extract_tar(archive(*((str(i), b"") for i in range(5))), tmp_path, most_files=3)


def test_what_is_no_archive(tmp_path):
    for content in (b"", b"not a tar", archive(("a", b"x" * 5000)).getvalue()[:60]):
        with pytest.raises(Invalid, match="cannot be read"):
            extract_tar(io.BytesIO(content), tmp_path)
