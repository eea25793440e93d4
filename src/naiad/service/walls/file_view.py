"""The files that a program sees: an allow-list of the host's, and its own. What is not named here is not there."""

import contextlib
import os
import site
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import naiad
from naiad.home import find_state_folder

USER_NAME = "root"
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = (
    *("resolv.conf", "nsswitch.conf", "host.conf", "gai.conf", "protocols", "services", "ld.so.conf", "ld.so.conf.d"),
    *("ld.so.cache", "ssl", "pki", "ca-certificates", "ca-certificates.conf", "crypto-policies", "localtime"),
    *("timezone", "locale.alias", "locale.conf", "alternatives", "os-release", "debian_version", "lsb-release"),
    *("redhat-release", "mime.types", "magic", "terminfo", "inputrc", "profile", "bash.bashrc", "fonts", "pip.conf"),
    *("openmpi", "libibverbs.d", "OpenCL", "vulkan", "glvnd", "nvidia", "gitconfig", "gitattributes"),
)
_PRIVATE = ("/etc/ssl/private", "/etc/pki/tls/private", "/etc/pki/CA/private")
"""Folders with private keys, which root could read under ``--run-as-root``."""
_SYS = ("block", "bus", "class", "dev", "devices", "fs/cgroup", "kernel/mm", "module")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_ACCELERATORS = ("nvidia*", "dri", "kfd", "infiniband", "dxg", "accel")
_FILE_VARIABLES = (
    *("PIP_CONFIG_FILE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_FIND_LINKS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""Variables of the server that pip reads and that may name a file."""


@dataclass(frozen=True)
class Bind:
    """A file or folder of the host and the path at which the program sees it."""

    source: str
    target: str
    is_writable: bool = False
    is_device: bool = False


@dataclass(frozen=True)
class FileView:
    binds: tuple[Bind, ...]
    """Mounts in their order: an outer folder comes first."""
    links: tuple[tuple[str, str], ...]
    """Symbolic links: (path, what it points to)."""
    files: tuple[tuple[str, str], ...]
    """Small files of the program's own: (path, text)."""
    hidden: tuple[str, ...] = ()
    """Folders that are empty inside, although a bind would show them."""


def make_file_view(
    ml: Path, tmp: Path, state: Path, *, hosts: Sequence[str], environment: Mapping[str, str] = os.environ
) -> FileView:
    """Returns the view of a program whose folders are ``ml`` and ``tmp``. ``state`` is the server's folder.

    ``environment``: the server's own.
    """
    binds = [Bind(str(tmp), "/tmp", is_writable=True)]  # noqa: S108  # reason: inside, it is the program's own
    links: list[tuple[str, str]] = []
    system = [Path("/", name) for name in _SYSTEM]
    etc = [Path("/etc", name) for name in _ETC]
    opt = [path for path in _entries(Path("/opt")) if path.name != "ml"]
    for path in (*system, *etc, *opt):
        if path.is_symlink() and _is_visible_link(path):
            links.append((str(path), str(path.readlink())))
        elif path.exists():
            binds.append(Bind(str(path.resolve()), str(path)))
    binds += [Bind(f"/sys/{name}", f"/sys/{name}") for name in _SYS if Path("/sys", name).exists()]
    devices = [Path("/dev", name) for name in _DEVICES]
    devices += [path for pattern in _ACCELERATORS for path in Path("/dev").glob(pattern)]
    binds += [Bind(str(path), str(path), is_device=True) for path in devices if path.exists()]
    own = (*interpreter_folders(), *_named_files(environment))
    binds += [Bind(path, path) for path in _uncovered(own, binds)]
    binds.append(Bind(str(ml), "/opt/ml", is_writable=True))
    shown = [bind.target for bind in binds if bind.source == bind.target]
    links += [(path, target) for path, target in interpreter_links() if not _is_below(path, shown)]
    hidden = tuple(path for path in (str(state), *_default_state_folder(), *_PRIVATE) if _is_below(path, shown))
    return FileView(tuple(binds), tuple(links), _own_files(hosts), hidden)


def replace_file(view: FileView, path: str, text: str) -> FileView:
    """Returns the view with a small file of the program's own in the place of the host's."""
    binds = tuple(bind for bind in view.binds if bind.target != path)
    links = tuple(link for link in view.links if link[0] != path)
    return replace(view, binds=binds, links=links, files=(*view.files, (path, text)))


def interpreter_folders() -> Iterator[str]:
    """Yields the folders that this interpreter needs: its prefixes, the packages that path files name, and Naiad's own."""
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(naiad.__file__).parents[1]))
    library = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/os.py"
    for _, target in interpreter_links():
        prefix = Path(os.path.normpath(target)).parents[1]
        if (prefix / library).is_file():  # such as a virtual environment of a version manager's alias
            yield str(prefix)
    yield from (str(Path(folder).resolve()) for folder in (sys.prefix, sys.base_prefix))
    for folder in site.getsitepackages():
        for file in Path(folder).glob("*.pth"):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            yield from (line for line in lines if line.startswith("/") and Path(line).is_dir())


def interpreter_links() -> Iterator[tuple[str, str]]:
    """Yields (path, what it points to) of the links that lead to this interpreter, such as one in ~/.local/bin."""
    executable = Path(sys.executable)
    while executable.is_symlink():
        target = executable.parent / executable.readlink()
        yield str(executable), str(target)
        executable = target


def _default_state_folder() -> Iterator[str]:
    """Yields the folder with the key that signs artifacts, wherever the server keeps its state. A user may have no home."""
    with contextlib.suppress(RuntimeError):
        yield str(find_state_folder())


def _named_files(environment: Mapping[str, str]) -> Iterator[str]:
    for name in _FILE_VARIABLES:
        for word in environment.get(name, "").split():
            if word.startswith("/") and Path(word).exists():
                yield word


def _uncovered(paths: Iterable[str], binds: Sequence[Bind]) -> list[str]:
    """Returns the paths that no bind shows yet, outer ones first. The whole disk and what holds the home is too much."""
    shown = [bind.target for bind in binds if bind.source == bind.target and not bind.is_device]
    count, home = len(shown), os.path.expanduser("~")  # noqa: PTH111  # reason: never fails
    for path in sorted(set(paths), key=lambda path: (path.count("/"), path)):
        if not _is_below(path, shown) and not _is_below(home, [path]):
            shown.append(path)
    return shown[count:]


def _is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether the path is one of the folders, or in one."""
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def _is_visible_link(path: Path) -> bool:
    """Whether a link of the host leads inside, too."""
    target = Path(os.path.normpath(path.parent / path.readlink()))
    return len(target.parts) > 1 and target.parts[1] in _SYSTEM


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _own_files(hosts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    lines = "".join(f"127.0.0.1 {name}\n" for name in ("localhost", *hosts))
    return (
        ("/etc/hosts", f"{lines}::1 localhost\n"),
        ("/etc/passwd", f"{USER_NAME}:x:0:0:{USER_NAME}:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
        ("/etc/group", f"{USER_NAME}:x:0:\nnogroup:x:65534:\n"),
    )
