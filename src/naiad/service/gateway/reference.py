"""The page of all operations that are served: ``python -m naiad.service.gateway.reference > docs/reference/operations.md``."""

import sys
from itertools import groupby

import naiad.service.gateway.operations  # noqa: F401  # reason: registers the handlers
from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.protocol.route import RUNTIME_OPERATIONS
from naiad.service.gateway.s3.operations import operation_notes

_LEGEND = """\
A line names what of an operation is not served, or has no effect here; a line without a note serves all of AWS's model.
What is not served is refused when it is asked for, with what to do instead.
An operation that is not listed answers `UnknownOperationException`, at S3 `NotImplemented`.
[The service](../concepts/service.md#refused-on-purpose) says what is refused on purpose, and why."""
_RUNTIME_NOTE = "TargetModel; TargetContainerHostname; InferenceComponentName; SessionId"


def operations_page() -> str:
    sections = [
        "# Operations",
        "Written by `python -m naiad.service.gateway.reference`; a test compares it with the table of handlers.",
        _LEGEND,
    ]
    for service, pairs in groupby(sorted(OPERATIONS), key=lambda pair: pair[0]):
        sections += [f"## {service}", "\n".join(_line(name, OPERATIONS[service, name].not_served) for _, name in pairs)]
    runtime = sorted(RUNTIME_OPERATIONS.values())
    sections += ["## sagemaker-runtime", "\n".join(_line(name, _RUNTIME_NOTE) for name in runtime)]
    sections += ["## s3", "\n".join(_line(name, note) for name, note in sorted(operation_notes().items()))]
    return "\n\n".join(sections) + "\n"


def _line(name: str, note: str) -> str:
    return f"- {name}: {note}" if note else f"- {name}"


if __name__ == "__main__":
    sys.stdout.write(operations_page())
