"""``/opt/ml`` without Docker: namespaces in which the instance's folder is /opt/ml, /tmp its own, and the state out of sight.

Uses ``unshare``, for which no privilege is needed where user namespaces are allowed.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import naiad

_SCRIPT = r"""
set -e
ml=$1 tmp=$2 work=$3 state=$4 hosts=$5 host=$6 keep=$7
shift 7
mount --make-rprivate /
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
cd /opt/ml/code
"$@" &
child=$!
trap : TERM INT
while :; do
  if wait "$child"; then status=0; else status=$?; fi
  kill -0 "$child" 2>/dev/null || exit "$status"
done
"""


@dataclass(frozen=True)
class Sandbox:
    """How a program of an instance is started; ``root`` is where it finds its things."""

    ml: Path
    root: Path
    """/opt/ml, or ``ml`` itself where namespaces are refused."""
    prefix: tuple[str, ...]
    """Stands before the program's own command."""

    @property
    def is_closed(self) -> bool:
        return bool(self.prefix)


def make_sandbox(folder: Path, state: Path, *, host: str, hosts: Sequence[str]) -> Sandbox:
    """For the instance in ``folder``; ``state`` is the server's folder."""
    ml = folder / "ml"
    if not allows_namespaces():
        return Sandbox(ml, ml, ())
    hosts_file = folder / "hosts"
    hosts_file.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *hosts)), encoding="utf-8")
    keep = ":".join(sorted({sys.prefix, sys.base_prefix, str(Path(naiad.__file__).parents[1])}))
    unshare = ("unshare", "--user", "--map-root-user", "--mount", "--uts", "--pid", "--fork", "--kill-child=SIGKILL")
    paths = (ml, folder / "tmp", folder / "work", state, hosts_file)
    return Sandbox(ml, Path("/opt/ml"), (*unshare, "sh", "-c", _SCRIPT, "naiad", *map(str, paths), host, keep))


def allows_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "true"],  # noqa: S607  # reason: where the system has it
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0
