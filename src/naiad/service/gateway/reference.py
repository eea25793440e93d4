"""The operations that are served, as one page: ``python -m naiad.service.gateway.reference > docs/reference/operations.md``."""

import sys
from itertools import groupby

import naiad.service.gateway.operations  # noqa: F401  # reason: registers the handlers
from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.route import RUNTIME_OPERATIONS
from naiad.service.gateway.s3.operations import names as s3_names
from naiad.service.gateway.s3.settings import ABSENT


def reference() -> str:
    parts = [
        "# Operations",
        "Written by `python -m naiad.service.gateway.reference`; a test compares it with the table of handlers.",
    ]
    for service, found in groupby(sorted(OPERATIONS), key=lambda pair: pair[0]):
        parts += [f"## {service}", "\n".join(f"- {name}" for _, name in found)]
    parts += ["## sagemaker-runtime", "\n".join(f"- {name}" for name in sorted(RUNTIME_OPERATIONS.values()))]
    absent = dict(ABSENT.values())
    lines = [f"- {name}{f': `{absent[name]}`, no bucket has one' if name in absent else ''}" for name in s3_names()]
    parts += ["## s3", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
