"""Converts between boto3's shapes and the port's records."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from naiad.service.blobs.checksums import ALGORITHMS
from naiad.service.blobs.port import (
    DEFAULT_CONTENT_TYPE,
    CompletedPart,
    ObjectAttributes,
    ObjectInfo,
    ObjectPart,
    Part,
    Upload,
    WriteCondition,
)
from naiad.service.domain.errors import NotServed

_HEADERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "expires": "Expires",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "x-amz-storage-class": "StorageClass",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
}
"""Headers that are kept with an object, and boto3's names for them."""


def attribute_fields(attributes: ObjectAttributes) -> dict[str, Any]:
    """Raises NotServed for what this store cannot keep: a customer's key, and headers that boto3 has no field for."""
    if attributes.customer_key is not None:
        raise NotServed("a customer's key (SSE-C) is not served with a foreign S3 store; leave it out")
    unknown = set(attributes.headers) - set(_HEADERS)
    if unknown:
        raise NotServed(f"the header {min(unknown)} is not served with a foreign S3 store; leave it out")
    headers = {_HEADERS[name]: value for name, value in attributes.headers.items()}
    tags = {"Tagging": urlencode(attributes.tags)} if attributes.tags else {}
    return {"ContentType": attributes.content_type, "Metadata": dict(attributes.metadata), **headers, **tags}


def replacement_fields(attributes: ObjectAttributes) -> dict[str, Any]:
    directives = {"MetadataDirective": "REPLACE"} | ({} if attributes.tags is None else {"TaggingDirective": "REPLACE"})
    return {**directives, **attribute_fields(attributes)}


def upload_fields(upload: Upload) -> dict[str, str]:
    return {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}


def checksum_fields(checksums: Mapping[str, str]) -> dict[str, str]:
    return {f"Checksum{name.upper()}": value for name, value in checksums.items()}


def checksums_of(response: Mapping[str, Any]) -> dict[str, str]:
    return {name: response[field] for name in ALGORITHMS if (field := f"Checksum{name.upper()}") in response}


def condition_fields(condition: WriteCondition) -> dict[str, Any]:
    fields = {
        "IfNoneMatch": condition.if_none_match,
        "IfMatch": condition.if_match,
        "IfMatchSize": condition.if_match_size,
        "IfMatchLastModifiedTime": condition.if_match_modified_at,
    }
    return {name: value for name, value in fields.items() if value is not None}


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
        headers=_headers_of(response),
        checksums=checksums_of(response),
        tag_count=response.get("TagCount", 0),
    )


def info_of_row(bucket: str, row: Mapping[str, Any]) -> ObjectInfo:
    headers = {name: row[field] for name, field in _HEADERS.items() if field == "StorageClass" and field in row}
    etag, modified_at = row["ETag"].strip('"'), row["LastModified"]
    return ObjectInfo(bucket, row["Key"], row["Size"], etag, modified_at, headers=headers)


def _headers_of(response: Mapping[str, Any]) -> dict[str, str]:
    headers = {name: str(response[field]) for name, field in _HEADERS.items() if field in response}
    if "ExpiresString" in response:
        headers["expires"] = response["ExpiresString"]
    return headers


def part_of_head(number: int, response: Mapping[str, Any]) -> ObjectPart:
    return ObjectPart(number, response["ContentLength"], checksums_of(response))


def part_of_row(row: Mapping[str, Any]) -> Part:
    return Part(row["PartNumber"], row["Size"], row["ETag"].strip('"'), row["LastModified"], checksums_of(row))


def upload_of_row(bucket: str, row: Mapping[str, Any]) -> Upload:
    return Upload(row["UploadId"], bucket, row["Key"], row["Initiated"])
