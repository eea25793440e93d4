"""Records of a file: lines of CSV or JSON, filtered for the model, and joined with the model's answers."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from naiad.errors import OptionError
from naiad.service.endpoints.transform.json_path import JsonPath
from naiad.service.endpoints.worker.media_types import parse_media_type

_JSON_LINES_TYPES = (
    "application/jsonlines",
    "application/jsonl",
    "application/x-jsonlines",
    "application/x-jsonl",
)


@dataclass(frozen=True)
class DataProcessing:
    """DataProcessing of the request. The filter ``$`` is the whole record."""

    input_filter: JsonPath
    output_filter: JsonPath
    has_join: bool
    """Whether each answer is joined with its record (JoinSource Input)."""

    @property
    def changes_output(self) -> bool:
        return self.has_join or bool(self.output_filter.selectors)


def is_csv(content_type: str) -> bool:
    return parse_media_type(content_type)[0] == "text/csv"


def is_json_document(content_type: str) -> bool:
    """Whether a body is a single JSON value, which several lines of JSON are not."""
    return parse_media_type(content_type)[0] == "application/json"


def is_json(content_type: str) -> bool:
    name = parse_media_type(content_type)[0]
    return name == "application/json" or name in _JSON_LINES_TYPES


def filter_input(line: bytes, content_type: str, input_filter: JsonPath) -> bytes:
    """Returns what the model gets of a record. Raises OptionError."""
    if not input_filter.selectors:
        return line
    return _write_record(input_filter.select(_read_record(line, content_type)), content_type)


def make_output_line(record: bytes, answer: bytes, content_type: str, accept: str, processing: DataProcessing) -> bytes:
    """Returns the answer, joined with its record where the request says so, and filtered. Raises OptionError."""
    value = _read_record(answer, accept)
    if processing.has_join:
        value = _join(_read_record(record, content_type), value)
    return _write_record(processing.output_filter.select(value), accept)


def split_answers(body: bytes, count: int, accept: str) -> list[bytes]:
    """Returns the answer for each of ``count`` records. Raises OptionError when there are more or fewer."""
    if count == 1:
        return [body.rstrip(b"\r\n")]
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) != count:
        raise OptionError(
            f"{count} records were sent and {len(lines)} lines of {accept or 'JSON'} came back: "
            "give BatchStrategy SingleRecord, or Accept text/csv or application/jsonlines"
        )
    return lines


def join_lines(lines: Sequence[bytes]) -> bytes:
    return b"".join(line.rstrip(b"\r\n") + b"\n" for line in lines)


def _read_record(line: bytes, content_type: str) -> Any:
    text = line.decode("utf-8").rstrip("\r\n")
    if is_csv(content_type):
        return next(csv.reader([text]), [])
    try:
        return json.loads(text, parse_constant=lambda _: None)  # NaN, which Python writes, is no JSON
    except (ValueError, RecursionError) as error:
        raise OptionError(f"a record is not JSON: {error}; filters and joins need text/csv or JSON") from error


def _write_record(value: Any, content_type: str) -> bytes:
    if not is_csv(content_type):
        return json.dumps(value, ensure_ascii=False).encode()
    row = value if isinstance(value, list) else [value]
    file = io.StringIO()
    csv.writer(file, lineterminator="").writerow(row)
    return file.getvalue().encode()


def _join(record: Any, answer: Any) -> Any:
    """Appends the columns of CSV; joins JSON under the names that AWS uses."""
    if isinstance(record, list) and isinstance(answer, list):
        return [*record, *answer]
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": answer}
    return {"SageMakerInput": record, "SageMakerOutput": answer}
