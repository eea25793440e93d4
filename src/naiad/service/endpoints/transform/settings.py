"""A transform job's request as its program reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from naiad.errors import OptionError
from naiad.service.endpoints.transform.json_path import parse_path
from naiad.service.endpoints.transform.records import Processing, is_csv, is_document, is_json

_MIB = 2**20


@dataclass(frozen=True)
class TransformSettings:
    content_type: str
    accept: str
    is_gzip: bool
    by_line: bool
    is_multi: bool
    """Several records a request, as many as its payload and the model take; never where they would be no JSON together."""
    assembles_lines: bool
    """A newline behind each answer."""
    most_payload_bytes: int
    concurrency: int
    processing: Processing
    timeout_s: float = 600.0
    """Of a request to the model."""
    retries: int = 0
    """How often a request is made again that the model has failed at."""

    def for_artifact(self) -> "TransformSettings":
        """Of which several records give one JSON document where nobody says: a line a record where lines are wanted."""
        if self.accept or not (self.by_line and self.assembles_lines):
            return self
        return replace(self, accept="text/csv" if is_csv(self.content_type) else "application/jsonlines")


def settings_of(request: Mapping[str, Any]) -> TransformSettings:
    """Of CreateTransformJob's. Raises OptionError for what cannot be done together."""
    given, out, how = request["TransformInput"], request["TransformOutput"], request.get("DataProcessing", {})
    client = request.get("ModelClientConfig", {})
    by_line = given.get("SplitType", "None") == "Line"
    content_type = given.get("ContentType", "")
    settings = TransformSettings(
        content_type=content_type,
        accept=out.get("Accept", ""),
        is_gzip=given.get("CompressionType", "None") == "Gzip",
        by_line=by_line,
        is_multi=by_line
        and request.get("BatchStrategy", "MultiRecord") == "MultiRecord"
        and not is_document(content_type),
        assembles_lines=out.get("AssembleWith", "None") == "Line",
        most_payload_bytes=max(1, request.get("MaxPayloadInMB", 6)) * _MIB,
        concurrency=max(1, request.get("MaxConcurrentTransforms", 1)),
        processing=Processing(
            parse_path(how.get("InputFilter", "$")),
            parse_path(how.get("OutputFilter", "$")),
            how.get("JoinSource", "None") == "Input",
        ),
        timeout_s=float(client.get("InvocationsTimeoutInSeconds", 600)),
        retries=client.get("InvocationsMaxRetries", 0),
    )
    _check(settings)
    return settings


def _check(settings: TransformSettings) -> None:
    how = settings.processing
    if not (how.is_needed or how.input_filter.steps):
        return
    if not settings.by_line:
        raise OptionError("DataProcessing works on records: give SplitType Line")
    if how.is_needed and not settings.assembles_lines:
        raise OptionError("JoinSource and OutputFilter work on records: give AssembleWith Line")
    kinds = [settings.content_type] + ([settings.accept] if how.is_needed else [])
    if not (all(map(is_csv, kinds)) or all(map(is_json, kinds))):
        raise OptionError("DataProcessing wants ContentType and Accept both text/csv, or both JSON")
