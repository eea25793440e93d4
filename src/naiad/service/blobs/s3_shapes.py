"""Converts between boto3's shapes and the port's records."""

from collections.abc import Mapping
from typing import Any

from naiad.service.blobs.checksums import ALGORITHMS
from naiad.service.blobs.port import (
    DEFAULT_CONTENT_TYPE,
    CompletedPart,
    ObjectAttributes,
    ObjectInfo,
    Part,
    Upload,
    WriteCondition,
)

_HEADERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
}


def attribute_fields(attributes: ObjectAttributes) -> dict[str, Any]:
    headers = {_HEADERS[name]: value for name, value in attributes.headers.items() if name in _HEADERS}
    return {"ContentType": attributes.content_type, "Metadata": dict(attributes.metadata), **headers}


def replacement_fields(attributes: ObjectAttributes) -> dict[str, Any]:
    return {"MetadataDirective": "REPLACE", **attribute_fields(attributes)}


def checksum_fields(checksums: Mapping[str, str]) -> dict[str, str]:
    return {f"Checksum{name.upper()}": value for name, value in checksums.items()}


def checksums_of(response: Mapping[str, Any]) -> dict[str, str]:
    return {name: response[field] for name in ALGORITHMS if (field := f"Checksum{name.upper()}") in response}


def condition_fields(condition: WriteCondition) -> dict[str, str]:
    none_match = {"IfNoneMatch": condition.if_none_match} if condition.if_none_match else {}
    return none_match | ({"IfMatch": condition.if_match} if condition.if_match else {})


def completed_part_fields(part: CompletedPart) -> dict[str, Any]:
    return {"PartNumber": part.number, "ETag": part.etag, **checksum_fields(part.checksums)}


def info_of_head(bucket: str, key: str, response: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(
        bucket=bucket,
        key=key,
        size=response["ContentLength"],
        etag=response["ETag"].strip('"'),
        modified_at=response["LastModified"],
        content_type=response.get("ContentType", DEFAULT_CONTENT_TYPE),
        metadata={name.lower(): value for name, value in response.get("Metadata", {}).items()},
        headers={name: response[field] for name, field in _HEADERS.items() if field in response},
        checksums=checksums_of(response),
    )


def info_of_row(bucket: str, row: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(bucket, row["Key"], row["Size"], row["ETag"].strip('"'), row["LastModified"])


def part_of_row(row: Mapping[str, Any]) -> Part:
    return Part(row["PartNumber"], row["Size"], row["ETag"].strip('"'), row["LastModified"], checksums_of(row))


def upload_of_row(bucket: str, row: Mapping[str, Any]) -> Upload:
    return Upload(row["UploadId"], bucket, row["Key"], row["Initiated"])
