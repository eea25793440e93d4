"""Requests that a page in a browser sends without its user's will: told by Host, Origin and Sec-Fetch-Site.

A page may send requests to any address, and a name of its own may lead to this machine (DNS rebinding). A browser says from which
page a request comes, and under which name it looked for the server. A program that is no browser sends neither of the last two.
"""

import ipaddress
import re
from collections.abc import Collection
from functools import lru_cache

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]*))(?::[0-9]{1,5})?")
_OWN_SITES = ("", "same-origin", "none")
"""Values of Sec-Fetch-Site: none is a user who typed the address."""


def foreign_page(host: str, origin: str, fetch_site: str, *, names: Collection[str] | None) -> str | None:
    """Returns why the request comes from another site's page; None where it does not. Takes the headers, "" for a missing one.

    ``names``: names of this server, besides addresses and localhost. None: it may have names that it does not know.
    """
    if names is not None and not _is_address(host) and host_name(host) not in names:
        return f"this server has no name {host_name(host)[:80]!r}; use its address, or localhost"
    if origin and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
        return f"the request comes from the page {origin[:80]!r} of another site"
    if fetch_site.lower() not in _OWN_SITES:
        return "the request comes from the page of another site"
    return None


def host_name(host: str) -> str:
    """Returns the name in the header Host, in lower case, without its port and its last dot; all of it where it has no form."""
    match = _HOST.fullmatch(host.strip().lower())
    return host if match is None else (match[1] or match[2]).removesuffix(".")


@lru_cache(maxsize=64)
def _is_address(host: str) -> bool:
    """Whether nobody else can give the name to this machine: an address, or localhost. A missing Host is no browser's."""
    name = host_name(host)
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
