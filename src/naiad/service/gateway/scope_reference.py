"""The page of scopes: ``python -m naiad.service.gateway.scope_reference > docs/reference/scopes.md``."""

import sys
from collections.abc import Iterator, Mapping

from naiad.service.domain.scope import SCOPE_TEXTS, Scope
from naiad.service.gateway.s3.operations import operation_scopes
from naiad.service.gateway.scopes import ANY_KEY, OPERATIONS_BY_SCOPE

_BEGINNING = """\
# Scopes of keys

Written by `python -m naiad.service.gateway.scope_reference`; a test compares it with the code's own table.

`naiad keys add ci --can read --can jobs` makes a key for two scopes; without `--can` it is for all of them.
`--on s3://bucket/prefix` limits the objects that it reaches; [the service](../concepts/service.md#keys) says how.
Each operation needs one scope. `admin` has all of them, and keys of earlier versions do.
A copy in S3 also needs `read`, on its source."""
_ANY = ("any key", "say who calls, and give sessions that may do what their key may")


def scopes_page() -> str:
    lines = ["| scope | what for | service | operations |", "|---|---|---|---|", *_rows(*_ANY, ANY_KEY)]
    for scope, services in OPERATIONS_BY_SCOPE.items():
        lines += _rows(f"`{scope}`", SCOPE_TEXTS[scope], {**services, "s3": _s3_names(scope)})
    return f"{_BEGINNING}\n\n" + "\n".join(lines) + "\n"


def _rows(scope: str, text: str, services: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yields a row for each service; the first has the scope and what it is for."""
    for service, names in sorted(services.items()):
        if names:
            yield f"| {scope} | {text} | {service} | {', '.join(sorted(names))} |"
            scope = text = ""


def _s3_names(scope: Scope) -> tuple[str, ...]:
    return tuple(name for name, needed in operation_scopes().items() if needed is scope)


if __name__ == "__main__":
    sys.stdout.write(scopes_page())
