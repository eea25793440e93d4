"""Media types: parsing a Content-Type, and choosing a type for an Accept header."""

from collections.abc import Sequence
from functools import lru_cache

_MAX_ITEMS = 32


@lru_cache(maxsize=256)
def parse_media_type(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Returns the type in lower case without parameters, "" for none, and its parameters as (name, value)."""
    name, *rest = text.split(";")[:_MAX_ITEMS]
    pairs = (item.strip().partition("=") for item in rest)
    return name.strip().lower(), tuple(
        (key.strip().lower(), value.strip().strip('"').lower()) for key, _, value in pairs
    )


@lru_cache(maxsize=256)
def choose_media_type(accept: str, offered: Sequence[str]) -> str | None:
    """Returns the offered type with the highest quality in ``accept``. An empty Accept takes the first; None: no type fits.

    The most specific item counts for a type, so that ``application/json;q=0, */*`` excludes JSON. Of equal qualities, the type
    that stands first in ``accept`` is taken, and below a wildcard the one that is offered first.
    """
    if not accept.strip():
        return offered[0]
    items = _parse_accept(accept)
    best: tuple[float, int, int] | None = None
    for number, name in enumerate(offered):
        match = _most_specific(name, items)
        if match is None or not match[1] > 0:
            continue
        position, quality = match
        rank = (quality, -position, -number)
        if best is None or rank > best:
            best = rank
    return None if best is None else offered[-best[2]]


@lru_cache(maxsize=256)
def preferred_media_type(accept: str) -> str:
    """Returns the type with the highest quality, for a program that decides itself what it can write; "" for none.

    It may be a wildcard. Of equal qualities, the first is taken.
    """
    items = [(name, quality) for name, quality in _parse_accept(accept) if name and quality > 0]
    return max(items, key=lambda item: item[1])[0] if items else ""


def _most_specific(name: str, items: Sequence[tuple[str, float]]) -> tuple[int, float] | None:
    """Returns (position, quality) of the item that counts for a type; None where none fits it."""
    for pattern in (name, f"{name.partition('/')[0]}/*", "*/*", "*"):
        for position, (item, quality) in enumerate(items):
            if item == pattern:
                return position, quality
    return None


def _parse_accept(accept: str) -> list[tuple[str, float]]:
    """Returns (type, quality) for each item; a quality that is not a number counts as 0."""
    items = []
    for text in accept.split(",")[:_MAX_ITEMS]:
        name, parameters = parse_media_type(text)
        try:
            items.append((name, float(dict(parameters).get("q", "1"))))
        except ValueError:
            items.append((name, 0.0))
    return items
