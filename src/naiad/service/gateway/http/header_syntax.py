"""Headers that clients name outside of the head, in the query of a URL or a form: whether they can be headers at all."""

import re

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")


def is_header(name: str, value: str) -> bool:
    """Whether both can stand in a header: the name is a token of RFC 9110, the value has no control characters and is ASCII."""
    return bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value))
