"""The machine's name servers, and how a program in a network of its own asks them.

A machine's name server is often one of its own addresses, such as systemd-resolved's 127.0.0.53, which no program's network can
reach. So the program asks an address on its own loopback, and its agent passes the question on, like the calls of the gateway.
"""

from dataclasses import dataclass
from pathlib import Path

PORT = 53
_MAX_SERVERS = 3
"""The resolver of the C library reads no more."""
_DEFAULT = "127.0.0.1"
RESOLV_CONF = "/etc/resolv.conf"


@dataclass(frozen=True)
class NameServers:
    addresses: tuple[str, ...]
    """The machine's own, in their order."""
    resolv_conf: str
    """The file /etc/resolv.conf of a program, with an address on its loopback for each."""

    @property
    def inner_addresses(self) -> tuple[str, ...]:
        return tuple(f"127.0.53.{number}" for number in range(1, len(self.addresses) + 1))


def read_name_servers(file: Path = Path(RESOLV_CONF)) -> NameServers:
    """Reads the machine's resolv.conf. Without one, the name server is at 127.0.0.1, as the C library has it."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    fields = [line.split() for line in lines]
    found = [words[1] for words in fields if len(words) > 1 and words[0] == "nameserver"][:_MAX_SERVERS]
    others = [
        line for line, words in zip(lines, fields, strict=True) if words and words[0] in ("search", "domain", "options")
    ]
    servers = NameServers(tuple(found) or (_DEFAULT,), "")
    own = [f"nameserver {address}" for address in servers.inner_addresses]
    return NameServers(servers.addresses, "\n".join((*own, *others, "")))
