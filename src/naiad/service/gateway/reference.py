"""The page of all operations that are served: ``python -m naiad.service.gateway.reference > docs/reference/operations.md``."""

import sys
from itertools import groupby

import naiad.service.gateway.operations  # noqa: F401  # reason: registers the handlers
from naiad.service.gateway.operation import OPERATIONS
from naiad.service.gateway.protocol.route import RUNTIME_OPERATIONS
from naiad.service.gateway.s3.bucket_configuration import CONFIGURATIONS
from naiad.service.gateway.s3.operations import operation_names

_LEGEND = """\
A line names what of an operation is not served, or has no effect here; a line without a note serves all of AWS's model.
What is not served is refused when it is asked for, with what to do instead.
An operation that is not listed answers `UnknownOperationException`, at S3 `NotImplemented`.
[The service](../concepts/service.md#refused-on-purpose) says what is refused on purpose, and why."""
_RUNTIME_NOTE = "TargetModel; TargetContainerHostname; InferenceComponentName; SessionId"

_NO_VERSIONS = "versions: there is one of each object, `null`"
_ONE_ACCOUNT = "grants to anybody but the one account"
_S3_NOTES = {
    "CopyObject": _NO_VERSIONS,
    "CreateBucket": f"object lock; {_ONE_ACCOUNT}",
    "DeleteObject": _NO_VERSIONS,
    "DeleteObjects": _NO_VERSIONS,
    "GetObject": _NO_VERSIONS,
    "GetObjectLegalHold": "objects cannot be locked",
    "GetObjectRetention": "objects cannot be locked",
    "HeadObject": _NO_VERSIONS,
    "ListObjectVersions": _NO_VERSIONS,
    "PutBucketAccelerateConfiguration": "Enabled",
    "PutBucketAcl": _ONE_ACCOUNT,
    "PutBucketEncryption": "kept and said back; nothing is encrypted by it",
    "PutBucketLogging": "targets",
    "PutBucketNotificationConfiguration": "topics, queues and functions",
    "PutBucketOwnershipControls": "kept and said back; everything has one owner",
    "PutBucketRequestPayment": "Requester",
    "PutBucketVersioning": "Enabled; MfaDelete",
    "PutObject": "object lock; SSE-S3, SSE-KMS and storage classes are kept and said back, without effect",
    "PutObjectAcl": _ONE_ACCOUNT,
    "PutPublicAccessBlock": "kept and said back; nothing is public",
}


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
    notes = {**_configuration_notes(), **_S3_NOTES}
    sections += ["## s3", "\n".join(_line(name, notes.get(name, "")) for name in operation_names())]
    return "\n\n".join(sections) + "\n"


def _configuration_notes() -> dict[str, str]:
    """Returns the note of each operation that reads a configuration, by its name."""
    return {
        one.get: f"`{one.error_code}` where none was put" if one.put else f"`{one.error_code}`, no bucket has one"
        for one in CONFIGURATIONS.values()
        if one.error_code
    }


def _line(name: str, note: str) -> str:
    return f"- {name}: {note}" if note else f"- {name}"


if __name__ == "__main__":
    sys.stdout.write(operations_page())
