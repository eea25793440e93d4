"""Settings of a transform job, from its request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from naiad.errors import OptionError
from naiad.service.endpoints.transform.json_path import parse_json_path
from naiad.service.endpoints.transform.records import DataProcessing, is_csv, is_json, is_json_document

_MIB = 2**20


@dataclass(frozen=True)
class TransformSettings:
    content_type: str
    accept: str
    is_gzip: bool
    is_split_by_line: bool
    is_multi_record: bool
    """Whether a request takes several records, as many as its payload and the model allow. Never for JSON documents."""
    is_assembled_by_line: bool
    """Whether a newline follows each answer."""
    max_payload_bytes: int
    max_concurrent_transforms: int
    processing: DataProcessing
    timeout_s: float = 600.0
    """Time of one request to the model."""
    max_retries: int = 0
    """How often a request is repeated at which the model has failed."""

    def for_artifact(self) -> "TransformSettings":
        """Returns settings with a line-based Accept where lines are needed and none was set.

        An artifact answers several records with one JSON document otherwise.
        """
        if self.accept or not (self.is_split_by_line and self.is_assembled_by_line):
            return self
        return replace(self, accept="text/csv" if is_csv(self.content_type) else "application/jsonlines")


def parse_transform_request(request: Mapping[str, Any]) -> TransformSettings:
    """Raises OptionError for settings that cannot be combined. request: CreateTransformJob's."""
    source, output = request["TransformInput"], request["TransformOutput"]
    processing, client = request.get("DataProcessing", {}), request.get("ModelClientConfig", {})
    is_split_by_line = source.get("SplitType", "None") == "Line"
    has_multi_record = request.get("BatchStrategy", "MultiRecord") == "MultiRecord"
    content_type = source.get("ContentType", "")
    settings = TransformSettings(
        content_type=content_type,
        accept=output.get("Accept", ""),
        is_gzip=source.get("CompressionType", "None") == "Gzip",
        is_split_by_line=is_split_by_line,
        is_multi_record=is_split_by_line and has_multi_record and not is_json_document(content_type),
        is_assembled_by_line=output.get("AssembleWith", "None") == "Line",
        max_payload_bytes=max(1, request.get("MaxPayloadInMB", 6)) * _MIB,
        max_concurrent_transforms=max(1, request.get("MaxConcurrentTransforms", 1)),
        processing=DataProcessing(
            parse_json_path(processing.get("InputFilter", "$")),
            parse_json_path(processing.get("OutputFilter", "$")),
            processing.get("JoinSource", "None") == "Input",
        ),
        timeout_s=float(client.get("InvocationsTimeoutInSeconds", 600)),
        max_retries=client.get("InvocationsMaxRetries", 0),
    )
    _check_processing(settings)
    return settings


def _check_processing(settings: TransformSettings) -> None:
    processing = settings.processing
    if not (processing.changes_output or processing.input_filter.selectors):
        return
    if not settings.is_split_by_line:
        raise OptionError("DataProcessing works on records: give SplitType Line")
    if processing.changes_output and not settings.is_assembled_by_line:
        raise OptionError("JoinSource and OutputFilter work on records: give AssembleWith Line")
    types = [settings.content_type] + ([settings.accept] if processing.changes_output else [])
    if not (all(map(is_csv, types)) or all(map(is_json, types))):
        raise OptionError("DataProcessing needs ContentType and Accept both text/csv, or both JSON")
