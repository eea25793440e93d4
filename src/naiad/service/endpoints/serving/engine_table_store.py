"""Where an endpoint's measured table of engines is kept for others: an object beside the model's data, by the data's name.

It is a note: where it cannot be written the deployment goes on.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from naiad.service.blobs.port import BlobStore, ObjectAttributes
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.domain.errors import ServiceError

_LOG = logging.getLogger(__name__)
_SUFFIX = ".engines.json"


def table_uri(container: Mapping[str, Any]) -> str | None:
    """``…/model.tar.gz.engines.json``: archives of one folder have one each. None where the data has no key."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    data = (source.get("S3Uri") or container.get("ModelDataUrl", "")).rstrip("/")
    _, _, key = data.removeprefix("s3://").partition("/")
    return f"{data}{_SUFFIX}" if key else None


def keep_table(blobs: BlobStore, uri: str | None, table: Mapping[str, Any]) -> None:
    """In the place of an earlier one. Blocks."""
    if uri is None:
        return
    try:
        place = parse_s3_uri(uri, at="the table's address")
        content = json.dumps(table, indent=1).encode()
        blobs.put(place.bucket, place.key, [content], attributes=ObjectAttributes("application/json"))
    except (ServiceError, OSError) as error:
        _LOG.warning("what the engines were measured at is not kept at %s: %s", uri, error)
