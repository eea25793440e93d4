"""Media types: what a Content-Type says, and which of ours an Accept can mean."""

from collections.abc import Sequence
from functools import lru_cache

_MOST_PARTS = 32


@lru_cache(maxsize=256)
def media_type(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(type in lower case without parameters, its parameters). "" for none."""
    name, *rest = text.split(";")[:_MOST_PARTS]
    pairs = (part.strip().partition("=") for part in rest)
    return name.strip().lower(), tuple(
        (key.strip().lower(), value.strip().strip('"').lower()) for key, _, value in pairs
    )


@lru_cache(maxsize=256)
def accepted(accept: str, offered: Sequence[str]) -> str | None:
    """The one of ``offered`` that is wanted most; the first where anything will do; None where none will."""
    if not accept.strip():
        return offered[0]
    ranked = sorted(_wishes(accept), key=lambda wish: -wish[1])
    for name, quality in ranked:
        if quality <= 0:
            continue
        if name in offered:
            return name
        family, _, kind = name.partition("/")
        if kind == "*":
            match = next((one for one in offered if family in ("*", one.partition("/")[0])), None)
            if match is not None:
                return match
    return None


def _wishes(accept: str) -> list[tuple[str, float]]:
    wishes = []
    for part in accept.split(",")[:_MOST_PARTS]:
        name, parameters = media_type(part)
        quality = dict(parameters).get("q", "1")
        try:
            wishes.append((name, float(quality)))
        except ValueError:
            wishes.append((name, 0.0))
    return wishes
