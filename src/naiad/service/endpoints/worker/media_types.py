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
    """Returns the offered type with the highest quality in ``accept``. An empty Accept takes the first; None: no type fits."""
    if not accept.strip():
        return offered[0]
    ranked = sorted(_parse_accept(accept), key=lambda item: -item[1])
    for name, quality in ranked:
        if quality <= 0:
            continue
        if name in offered:
            return name
        family, _, subtype = name.partition("/")
        if subtype == "*":
            match = next((one for one in offered if family in ("*", one.partition("/")[0])), None)
            if match is not None:
                return match
    return None


def _parse_accept(accept: str) -> list[tuple[str, float]]:
    """Returns (type, quality) for each item; a quality that is not a number counts as 0."""
    items = []
    for text in accept.split(",")[:_MAX_ITEMS]:
        name, parameters = parse_media_type(text)
        quality = dict(parameters).get("q", "1")
        try:
            items.append((name, float(quality)))
        except ValueError:
            items.append((name, 0.0))
    return items
