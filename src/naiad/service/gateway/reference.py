"""The page of all operations that are served: ``python -m naiad.service.gateway.reference > docs/reference/operations.md``."""

import sys
from itertools import groupby

import naiad.service.gateway.operations  # noqa: F401  # reason: registers the handlers
from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.protocol.route import RUNTIME_OPERATIONS
from naiad.service.gateway.s3.bucket_configuration import CONFIGURATIONS
from naiad.service.gateway.s3.operations import operation_names


def operations_page() -> str:
    sections = [
        "# Operations",
        "Written by `python -m naiad.service.gateway.reference`; a test compares it with the table of handlers.",
    ]
    for service, pairs in groupby(sorted(OPERATIONS), key=lambda pair: pair[0]):
        sections += [f"## {service}", "\n".join(f"- {name}" for _, name in pairs)]
    sections += ["## sagemaker-runtime", "\n".join(f"- {name}" for name in sorted(RUNTIME_OPERATIONS.values()))]
    codes = {one.operation: one.error_code for one in CONFIGURATIONS.values()}
    notes = {name: f": `{code}`, no bucket has one" for name, code in codes.items()}
    sections += ["## s3", "\n".join(f"- {name}{notes.get(name, '')}" for name in operation_names())]
    return "\n\n".join(sections) + "\n"


if __name__ == "__main__":
    sys.stdout.write(operations_page())
