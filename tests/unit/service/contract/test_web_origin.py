"""Requests from pages of other sites."""

import pytest

from naiad.service.contract.web_origin import foreign_page, host_name

NAMES = {"box"}


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8128", "127.0.0.1", "[::1]:8128", "[::1]", "localhost:8128", "LOCALHOST", "localhost.", "a.localhost:1",
     "192.168.1.5:8128", "box:8128", "BOX", ""],
)  # fmt: skip
def test_own_names(host):
    assert foreign_page(host, "", "", names=NAMES) is None
    assert foreign_page(host, f"http://{host}", "same-origin", names=NAMES) is None


@pytest.mark.parametrize(
    "host",
    ["evil.test:8128", "evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "notlocalhost", "127.0.0.1:8128.evil.test",
     "[::1].evil.test", "box.evil.test", "127.0.0.1@evil.test", "evil.test:127.0.0.1", " ", "0x7f.1.evil"],
)  # fmt: skip
def test_names_of_others(host):
    """A name that leads to this machine for a moment: the page under it would be of the same origin."""
    if not host.strip():
        assert foreign_page(host, "", "", names=NAMES) is None
        return
    assert "no name" in (foreign_page(host, "", "", names=NAMES) or "")


def test_a_server_that_does_not_know_its_names_takes_any():
    assert foreign_page("anything.test", "", "", names=None) is None
    assert foreign_page("anything.test", "http://evil.test", "", names=None) is not None


@pytest.mark.parametrize(
    ("origin", "site"),
    [("http://evil.test", ""), ("null", ""), ("http://127.0.0.1:3000", ""), ("https://127.0.0.1", ""), ("", "cross-site"),
     ("", "same-site"), ("", "x"), ("file://", "")],
)  # fmt: skip
def test_pages_of_others(origin, site):
    assert "another site" in (foreign_page("127.0.0.1:8128", origin, site, names=()) or "")


@pytest.mark.parametrize("site", ["", "same-origin", "none", "None"])
def test_a_user_who_types_the_address(site):
    assert foreign_page("127.0.0.1:8128", "", site, names=()) is None


def test_the_name_in_a_host():
    assert [host_name(host) for host in ("A.b.:80", "[::1]:80", "a", ":80", "")] == ["a.b", "::1", "a", "", ""]
