"""Store of engine tables: what was measured of a model's engines is kept for the user, as an object beside the model's data.

It is only a note: the deployment goes on where it cannot be written.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from naiad.service.blobs.port import BlobStore, ObjectAttributes
from naiad.service.contract.s3_uri import is_s3_uri, parse_s3_uri
from naiad.service.domain.errors import ServiceError

_LOG = logging.getLogger(__name__)
_SUFFIX = ".engines.json"


def engine_table_uri(container: Mapping[str, Any]) -> str | None:
    """Returns ``…/model.tar.gz.engines.json``, one for each archive of a folder. None when the model's data has no key."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    data = (source.get("S3Uri") or container.get("ModelDataUrl", "")).rstrip("/")
    if not is_s3_uri(data):
        return None
    uri = parse_s3_uri(data, at="the model's data")
    return f"{uri}{_SUFFIX}" if uri.key else None


def store_engine_table(blobs: BlobStore, uri: str | None, table: Mapping[str, Any]) -> None:
    """Writes the table, or replaces an earlier one. Blocks."""
    if uri is None:
        return
    try:
        location = parse_s3_uri(uri, at="the table's address")
        content = json.dumps(table, indent=1).encode()
        blobs.put(location.bucket, location.key, [content], attributes=ObjectAttributes("application/json"))
    except (ServiceError, OSError) as error:
        _LOG.warning("the engine table is not stored at %s: %s", uri, error)
