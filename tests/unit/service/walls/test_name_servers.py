"""The machine's name servers, and the resolv.conf of a program."""

from pathlib import Path

import pytest

from naiad.service.walls.name_servers import read_name_servers

RESOLVED = """\
# a stub
nameserver 127.0.0.53
options edns0 trust-ad
search example.test
"""
MANY = "nameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver 192.0.2.3\nnameserver 192.0.2.4\nsortlist 1.2.3.4\n"


@pytest.mark.parametrize(
    ("text", "addresses", "inside"),
    [
        (RESOLVED, ("127.0.0.53",), "nameserver 127.0.53.1\noptions edns0 trust-ad\nsearch example.test\n"),
        (
            MANY,
            ("192.0.2.1", "fe80::1%eth0", "192.0.2.3"),
            "nameserver 127.0.53.1\nnameserver 127.0.53.2\nnameserver 127.0.53.3\n",
        ),
        ("nameserver\n", ("127.0.0.1",), "nameserver 127.0.53.1\n"),
        (None, ("127.0.0.1",), "nameserver 127.0.53.1\n"),
    ],
)
def test_a_program_asks_its_own_loopback(
    tmp_path: Path, text: str | None, addresses: tuple[str, ...], inside: str
) -> None:
    file = tmp_path / "resolv.conf"
    if text is not None:
        file.write_text(text)
    servers = read_name_servers(file)
    assert servers.addresses == addresses
    assert servers.resolv_conf == inside
    assert len(servers.inner_addresses) == len(addresses)
