"""A transform job's request as its program reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from naiad.errors import OptionError
from naiad.service.endpoints.transform.paths import parse_path
from naiad.service.endpoints.transform.records import Processing, is_csv, is_json

_MIB = 2**20


@dataclass(frozen=True)
class TransformSettings:
    content_type: str
    accept: str
    is_gzip: bool
    by_line: bool
    is_multi: bool
    """Several records a request, as many as its payload and the model take."""
    assembles_lines: bool
    """A newline behind each answer."""
    most_payload_bytes: int
    concurrency: int
    processing: Processing


def settings_of(request: Mapping[str, Any]) -> TransformSettings:
    """Of CreateTransformJob's. Raises OptionError for what cannot be done together."""
    given, out, how = request["TransformInput"], request["TransformOutput"], request.get("DataProcessing", {})
    by_line = given.get("SplitType", "None") == "Line"
    content_type = given.get("ContentType", "")
    settings = TransformSettings(
        content_type=content_type,
        accept=out.get("Accept", ""),
        is_gzip=given.get("CompressionType", "None") == "Gzip",
        by_line=by_line,
        is_multi=by_line and request.get("BatchStrategy", "MultiRecord") == "MultiRecord",
        assembles_lines=out.get("AssembleWith", "None") == "Line",
        most_payload_bytes=max(1, request.get("MaxPayloadInMB", 6)) * _MIB,
        concurrency=max(1, request.get("MaxConcurrentTransforms", 1)),
        processing=Processing(
            parse_path(how.get("InputFilter", "$")),
            parse_path(how.get("OutputFilter", "$")),
            how.get("JoinSource", "None") == "Input",
        ),
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
