"""``/opt/ml`` without Docker: namespaces in which the instance's folder is /opt/ml, /tmp its own, and the state out of sight.

The server's own packages can be read there, and not written.

Uses ``unshare``, for which no privilege is needed where user namespaces are allowed. What makes the walls stands outside them, so
it does not get the program's variables: a PATH or an LD_PRELOAD of a job's would have it run the job's own files there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import naiad

_OPEN = 'exec 9<"$1"\nshift\n'
"""The file of the program's variables, before the mounts hide it."""
_MOUNTS = r"""
set -e
ml=$1 tmp=$2 work=$3 state=$4 hosts=$5 host=$6 keep=$7 prefix=$8
shift 8
mount --make-rprivate /
mount --bind "$prefix" "$prefix" && mount -o remount,bind,ro "$prefix" || true
for path in $(printf %s "$keep" | tr : ' '); do
  case $path in
    /tmp/*) mkdir -p "$tmp/${path#/tmp/}"; mount --rbind "$path" "$tmp/${path#/tmp/}" ;;
  esac
done
if [ ! -d /opt/ml ]; then
  mkdir -p /opt 2>/dev/null || true
  mount --rbind /opt "$work"
  mount -t tmpfs -o mode=755 naiad /opt
  for entry in "$work"/*; do
    name=/opt/${entry##*/}
    if [ -d "$entry" ]; then mkdir "$name"; mount --rbind "$entry" "$name"
    elif [ -e "$entry" ]; then : > "$name"; mount --bind "$entry" "$name"; fi
  done
  mkdir /opt/ml
fi
mount --rbind "$ml" /opt/ml
mount --bind "$hosts" /etc/hosts
mount --rbind "$tmp" /tmp
if [ -d "$state" ]; then mount -t tmpfs -o mode=700,size=4k naiad "$state"; fi
hostname "$host" 2>/dev/null || true
mount -t proc proc /proc 2>/dev/null || true
"""
_RUN = r"""
cd /opt/ml/code
"$@" &
exec 9<&-
child=$!
trap : TERM INT
while :; do
  if wait "$child"; then status=0; else status=$?; fi
  kill -0 "$child" 2>/dev/null || exit "$status"
done
"""
_LAUNCH = """
import os, signal, sys
with open(9, "rb") as file:
    pairs = [pair.partition(b"=") for pair in file.read().split(b"\\0") if pair]
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)
try:
    os.execvpe(sys.argv[1], sys.argv[1:], {name: value for name, _, value in pairs})
except OSError as error:
    os.write(2, os.fsencode(f"naiad: {sys.argv[1]}: {error.strerror}\\n"))
    os._exit(127 if isinstance(error, FileNotFoundError) else 126)
"""
"""Becomes the program, inside the walls, with the program's own variables. A shell could not give all of them on."""


@dataclass(frozen=True)
class Sandbox:
    """How a program of an instance is started; ``root`` is where it finds its things."""

    ml: Path
    root: Path
    """/opt/ml, or ``ml`` itself where namespaces are refused."""
    prefix: tuple[str, ...]
    """Stands before the program's own command: makes the namespaces, the mounts, and becomes the program's parent."""
    variables: Path
    """Where the prefix takes the program's variables from."""
    mounts: tuple[str, ...]
    """The command that makes only the mounts, for a process that is in namespaces of its own."""

    @property
    def is_closed(self) -> bool:
        return bool(self.prefix)

    def start_of(self, words: Sequence[str], variables: Mapping[str, str]) -> tuple[Sequence[str], Mapping[str, str]]:
        """The command and the environment of the process that becomes the program, with these words and variables."""
        if not self.is_closed:
            return words, variables
        content = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in variables.items())
        with os.fdopen(os.open(self.variables, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        return (*self.prefix, *words), {"PATH": os.environ.get("PATH", os.defpath)}


def make_sandbox(folder: Path, state: Path, *, host: str, hosts: Sequence[str]) -> Sandbox:
    """For the instance in ``folder``; ``state`` is the server's folder."""
    ml, variables = folder / "ml", folder / "variables"
    if not allows_namespaces():
        return Sandbox(ml, ml, (), variables, ())
    hosts_file = folder / "hosts"
    hosts_file.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *hosts)), encoding="utf-8")
    keep = ":".join(sorted({sys.prefix, sys.base_prefix, str(Path(naiad.__file__).parents[1])}))
    unshare = ("unshare", "--user", "--map-root-user", "--mount", "--uts", "--pid", "--fork", "--kill-child=SIGKILL")
    given = ("naiad", *map(str, (ml, folder / "tmp", folder / "work", state, hosts_file)), host, keep, sys.prefix)
    launch = (sys.executable, "-I", "-S", "-c", _LAUNCH)
    prefix = (*unshare, "sh", "-c", _OPEN + _MOUNTS + _RUN, given[0], str(variables), *given[1:], *launch)
    return Sandbox(ml, Path("/opt/ml"), prefix, variables, ("sh", "-c", _MOUNTS, *given))


def allows_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "true"],  # noqa: S607  # reason: where the system has it
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0
