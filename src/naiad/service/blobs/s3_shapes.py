"""Between boto3's shapes and the port's records."""

from collections.abc import Mapping
from typing import Any

from naiad.service.blobs.checksums import ALGORITHMS
from naiad.service.blobs.port import DEFAULT_CONTENT_TYPE, CompletedPart, ObjectInfo, Part, Upload, WriteCondition

ABOUT_CHECKSUM = "ChecksumAlgorithm"
_HEADERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
}


def attributes(
    content_type: str, metadata: Mapping[str, str] | None, headers: Mapping[str, str] | None
) -> dict[str, Any]:
    given = {_HEADERS[name]: value for name, value in (headers or {}).items() if name in _HEADERS}
    return {"ContentType": content_type, "Metadata": dict(metadata or {}), **given}


def replacement(info: ObjectInfo) -> dict[str, Any]:
    return {"MetadataDirective": "REPLACE", **attributes(info.content_type, info.metadata, info.headers)}


def checksum_fields(checksums: Mapping[str, str]) -> dict[str, str]:
    return {f"Checksum{name.upper()}": value for name, value in checksums.items()}


def checksums_of(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: found[field] for name in ALGORITHMS if (field := f"Checksum{name.upper()}") in found}


def condition_fields(condition: WriteCondition) -> dict[str, str]:
    none_match = {"IfNoneMatch": condition.if_none_match} if condition.if_none_match else {}
    return none_match | ({"IfMatch": condition.if_match} if condition.if_match else {})


def claim_fields(claim: CompletedPart) -> dict[str, Any]:
    return {"PartNumber": claim.number, "ETag": claim.etag, **checksum_fields(claim.checksums)}


def info_of_head(bucket: str, key: str, found: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(
        bucket=bucket,
        key=key,
        size=found["ContentLength"],
        etag=found["ETag"].strip('"'),
        modified_at=found["LastModified"],
        content_type=found.get("ContentType", DEFAULT_CONTENT_TYPE),
        metadata={name.lower(): value for name, value in found.get("Metadata", {}).items()},
        headers={name: found[field] for name, field in _HEADERS.items() if field in found},
        checksums=checksums_of(found),
    )


def info_of_row(bucket: str, row: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(bucket, row["Key"], row["Size"], row["ETag"].strip('"'), row["LastModified"])


def part_of_row(row: Mapping[str, Any]) -> Part:
    return Part(row["PartNumber"], row["Size"], row["ETag"].strip('"'), row["LastModified"], checksums_of(row))


def upload_of_row(bucket: str, row: Mapping[str, Any]) -> Upload:
    return Upload(row["UploadId"], bucket, row["Key"], row["Initiated"])
