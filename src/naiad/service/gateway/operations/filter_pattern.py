"""CloudWatch's filter patterns for plain text: terms, ``"phrases"``, ``?any ?of`` and ``-without``."""

import re
from collections.abc import Callable

from naiad.service.domain.errors import Invalid

_TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def compile_filter_pattern(pattern: str) -> Callable[[str], bool]:
    """Returns a function that says whether a line passes. Case counts.

    Raises Invalid for patterns of JSON, patterns of fields, and regular expressions.
    """
    text = pattern.strip()
    if text[:1] in {"{", "[", "%"}:
        raise Invalid(f"the filter pattern {pattern[:80]!r} is not plain text; terms and quoted phrases are served")
    required: list[str] = []
    optional: list[str] = []
    excluded: list[str] = []
    for sign, phrase, word in _TERM.findall(text):
        term = phrase.replace('\\"', '"') or word
        {"": required, "?": optional, "-": excluded}[sign].append(term)

    def passes(line: str) -> bool:
        return (
            all(term in line for term in required)
            and (not optional or bool(required) or any(term in line for term in optional))
            and not any(term in line for term in excluded)
        )

    return passes
