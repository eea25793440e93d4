"""``/opt/ml`` without Docker: namespaces in which an instance's folder is /opt/ml, /tmp is its own, and the state is hidden.

The server's packages can be read inside, and not written.

Uses ``unshare``, which needs no privilege where user namespaces are allowed. The command that makes the sandbox runs outside it
and does not get the program's variables: with a job's PATH or LD_PRELOAD it would run the job's own files outside the sandbox.
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
"""Opens the file of the program's variables before the mounts hide it."""
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
"""Becomes the program, inside the sandbox, with the program's own variables. A shell could not pass all of them on."""


@dataclass(frozen=True)
class Sandbox:
    """The way in which a program of an instance is started."""

    ml: Path
    root: Path
    """The path under which the program sees ``ml``: /opt/ml, or ``ml`` itself where namespaces are refused."""
    prefix: tuple[str, ...]
    """The words before the program's own command. They make the namespaces and the mounts, and become the program's parent."""
    variables: Path
    """The file from which the prefix reads the program's variables."""
    mounts: tuple[str, ...]
    """The command that makes only the mounts, for a process that is already in its own namespaces."""

    @property
    def is_isolated(self) -> bool:
        return bool(self.prefix)

    def wrap(self, words: Sequence[str], variables: Mapping[str, str]) -> tuple[Sequence[str], Mapping[str, str]]:
        """Returns the command and the environment of the process that becomes the program ``words`` with ``variables``."""
        if not self.is_isolated:
            return words, variables
        content = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in variables.items())
        with os.fdopen(os.open(self.variables, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        return (*self.prefix, *words), {"PATH": os.environ.get("PATH", os.defpath)}


def make_sandbox(folder: Path, state: Path, *, host: str, hosts: Sequence[str]) -> Sandbox:
    """Returns the sandbox of the instance in ``folder``. ``state`` is the server's folder, which it hides."""
    ml, variables = folder / "ml", folder / "variables"
    if not allows_namespaces():
        return Sandbox(ml, ml, (), variables, ())
    hosts_file = folder / "hosts"
    hosts_file.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *hosts)), encoding="utf-8")
    keep = ":".join(sorted({sys.prefix, sys.base_prefix, str(Path(naiad.__file__).parents[1])}))
    unshare = ("unshare", "--user", "--map-root-user", "--mount", "--uts", "--pid", "--fork", "--kill-child=SIGKILL")
    arguments = ("naiad", *map(str, (ml, folder / "tmp", folder / "work", state, hosts_file)), host, keep, sys.prefix)
    launch = (sys.executable, "-I", "-S", "-c", _LAUNCH)
    prefix = (*unshare, "sh", "-c", _OPEN + _MOUNTS + _RUN, arguments[0], str(variables), *arguments[1:], *launch)
    return Sandbox(ml, Path("/opt/ml"), prefix, variables, ("sh", "-c", _MOUNTS, *arguments))


def allows_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    attempt = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "true"],  # noqa: S607  # reason: where the system has it
        capture_output=True,
        check=False,
    )
    return attempt.returncode == 0
