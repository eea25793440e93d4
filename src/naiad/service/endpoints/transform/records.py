"""Records of a file: lines of CSV or of JSON, what is taken out of them, and how they are joined with their answers."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from naiad.errors import OptionError
from naiad.service.endpoints.transform.json_path import Path
from naiad.service.endpoints.worker.media_types import media_type

_LINES = ("application/jsonlines", "application/jsonl", "application/x-jsonlines", "application/x-jsonl")


@dataclass(frozen=True)
class Processing:
    """DataProcessing of the request; a filter of ``$`` is the whole record."""

    input_filter: Path
    output_filter: Path
    joins: bool

    @property
    def is_needed(self) -> bool:
        return self.joins or bool(self.output_filter.steps)


def is_csv(content_type: str) -> bool:
    return media_type(content_type)[0] == "text/csv"


def is_document(content_type: str) -> bool:
    """One JSON value, which lines of it are not."""
    return media_type(content_type)[0] == "application/json"


def is_json(content_type: str) -> bool:
    name = media_type(content_type)[0]
    return name == "application/json" or name in _LINES


def taken(line: bytes, content_type: str, path: Path) -> bytes:
    """The part of a record that the model is to see. Raises OptionError."""
    if not path.steps:
        return line
    return _written(path.of(_read(line, content_type)), content_type)


def processed(record: bytes, answer: bytes, content_type: str, accept: str, processing: Processing) -> bytes:
    """The line of the output: the answer, joined with its record where that is asked for, filtered. Raises OptionError."""
    found = _read(answer, accept)
    if processing.joins:
        found = _joined(_read(record, content_type), found)
    return _written(processing.output_filter.of(found), accept)


def answers_of(body: bytes, count: int, accept: str) -> list[bytes]:
    """The answer of each of ``count`` records. Raises OptionError when there are more or fewer."""
    if count == 1:
        return [body.rstrip(b"\r\n")]
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) != count:
        raise OptionError(
            f"{count} records were given and {len(lines)} lines of {accept or 'JSON'} came back: "
            "give BatchStrategy SingleRecord, or Accept text/csv or application/jsonlines"
        )
    return lines


def _read(line: bytes, content_type: str) -> Any:
    text = line.decode("utf-8").rstrip("\r\n")
    if is_csv(content_type):
        return next(csv.reader([text]), [])
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"a record is no JSON: {error}; filters and joins want text/csv or JSON") from error


def _written(value: Any, content_type: str) -> bytes:
    if not is_csv(content_type):
        return json.dumps(value, ensure_ascii=False).encode()
    row = value if isinstance(value, list) else [value]
    file = io.StringIO()
    csv.writer(file, lineterminator="").writerow(row)
    return file.getvalue().encode()


def _joined(record: Any, answer: Any) -> Any:
    """Of CSV the columns one behind the other; of JSON as AWS does."""
    if isinstance(record, list) and isinstance(answer, list):
        return [*record, *answer]
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": answer}
    return {"SageMakerInput": record, "SageMakerOutput": answer}


def packed(lines: Sequence[bytes]) -> bytes:
    return b"".join(line.rstrip(b"\r\n") + b"\n" for line in lines)
