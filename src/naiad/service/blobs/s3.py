"""Blobs in a real S3 store, through boto3. Content is buffer_content to a local temporary first: nothing is sent before it is whole
and has the checksums that were said.
"""

import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from naiad.service.blobs import errors
from naiad.service.blobs.buffered_content import buffer_content
from naiad.service.blobs.checksums import CHUNK_BYTES
from naiad.service.blobs.names import check_bucket, check_key
from naiad.service.blobs.port import (
    DEFAULT_CONTENT_TYPE,
    UNCONDITIONAL,
    CompletedPart,
    ObjectInfo,
    ObjectPage,
    Part,
    Upload,
    WriteCondition,
)
from naiad.service.blobs.s3_shapes import (
    ABOUT_CHECKSUM,
    attributes,
    checksum_fields,
    claim_fields,
    condition_fields,
    info_of_head,
    info_of_row,
    part_of_row,
    replacement,
    upload_of_row,
)
from naiad.service.domain.errors import AccessDenied, Invalid, ServiceError, Unavailable

_LAST = "\U0010ffff"
_CODES: dict[str, type[ServiceError]] = {
    "NoSuchBucket": errors.NoSuchBucket,
    "NoSuchKey": errors.NoSuchKey,
    "NoSuchUpload": errors.NoSuchUpload,
    "BucketAlreadyOwnedByYou": errors.BucketExists,
    "BucketAlreadyExists": errors.BucketExists,
    "BucketNotEmpty": errors.BucketNotEmpty,
    "PreconditionFailed": errors.PreconditionFailed,
    "ConditionalRequestConflict": errors.PreconditionFailed,
    "BadDigest": errors.BadDigest,
    "InvalidPart": errors.InvalidPart,
    "InvalidPartOrder": errors.InvalidPartOrder,
    "EntityTooSmall": errors.EntityTooSmall,
    "AccessDenied": AccessDenied,
    "InvalidArgument": Invalid,
    "InvalidRequest": Invalid,
}


class S3BlobStore:
    def __init__(self, client: BaseClient) -> None:
        self._s3: Any = client
        """Its methods come from AWS's model, at run time."""

    def buckets(self) -> tuple[tuple[str, dt.datetime], ...]:
        with _translated():
            rows = self._s3.list_buckets()["Buckets"]
        return tuple(sorted((row["Name"], row["CreationDate"]) for row in rows))

    def create_bucket(self, bucket: str) -> None:
        check_bucket(bucket)
        if self.has_bucket(bucket):
            raise errors.BucketExists(f"there is a bucket {bucket} already")
        region = self._s3.meta.region_name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with _translated():
            self._s3.create_bucket(Bucket=bucket, **where)

    def delete_bucket(self, bucket: str) -> None:
        for upload in self.list_uploads(bucket):
            with contextlib.suppress(errors.NoSuchUpload):
                self.abort_upload(bucket, upload.key, upload.upload_id)
        with _translated():
            self._s3.delete_bucket(Bucket=bucket)

    def has_bucket(self, bucket: str) -> bool:
        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404):
                return False
            raise ServiceError(f"bucket {bucket}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"the S3 store does not answer: {error}") from error
        return True

    def put(
        self,
        bucket: str,
        key: str,
        content: Iterable[bytes] | BinaryIO,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        check_key(key)
        with buffer_content(content, {} if checksums is None else checksums) as spool, _translated(bucket, key):
            self._s3.put_object(
                Bucket=bucket,
                Key=key,
                Body=spool.file,
                ContentMD5=spool.md5,
                **attributes(content_type, metadata, headers),
                **checksum_fields(spool.checksums),
                **condition_fields(condition),
            )
        return self.head(bucket, key)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        with _translated(bucket, key, missing=errors.NoSuchKey):
            found = self._s3.head_object(Bucket=bucket, Key=check_key(key), ChecksumMode="ENABLED")
        return info_of_head(bucket, key, found)

    def read(
        self, bucket: str, key: str, *, start: int = 0, length: int | None = None
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        info = self.head(bucket, key)
        end = info.size if length is None else min(info.size, start + length)
        if start >= end:
            return info, _nothing()
        with _translated(bucket, key):
            body = self._s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}", IfMatch=info.etag)[
                "Body"
            ]
        return info, _closing(body)

    def copy(
        self,
        source: tuple[str, str],
        bucket: str,
        key: str,
        *,
        replace: ObjectInfo | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        self.head(*source)
        new = replacement(replace) if replace else {}
        with _translated(bucket, key):
            self._s3.copy_object(
                Bucket=bucket,
                Key=check_key(key),
                CopySource={"Bucket": source[0], "Key": source[1]},
                **new,
                **condition_fields(condition),
            )
        return self.head(bucket, key)

    def delete(self, bucket: str, key: str, *, condition: WriteCondition = UNCONDITIONAL) -> None:
        with _translated(bucket, key):
            self._s3.delete_object(Bucket=bucket, Key=check_key(key), **condition_fields(condition))

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> ObjectPage:
        is_group = (
            bool(delimiter) and len(after) > len(prefix) and after.startswith(prefix) and after.endswith(delimiter)
        )
        with _translated(bucket):
            page = self._s3.list_objects_v2(
                Bucket=bucket,
                Prefix=prefix,
                Delimiter=delimiter,
                StartAfter=after + _LAST if is_group else after,
                MaxKeys=limit,
            )
        blobs = tuple(info_of_row(bucket, row) for row in page.get("Contents", []))
        prefixes = tuple(row["Prefix"] for row in page.get("CommonPrefixes", []))
        last = max([*(blob.key for blob in blobs[-1:]), *prefixes[-1:]], default=None)
        return ObjectPage(blobs, prefixes, last if page["IsTruncated"] else None)

    def start_upload(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        algorithm: str | None = None,
        full_object: bool = False,
    ) -> Upload:
        kind = "FULL_OBJECT" if full_object else "COMPOSITE"
        about = {"ChecksumAlgorithm": algorithm.upper(), "ChecksumType": kind} if algorithm else {}
        with _translated(bucket, key):
            made = self._s3.create_multipart_upload(
                Bucket=bucket, Key=check_key(key), **attributes(content_type, metadata, headers), **about
            )
        return self.upload(bucket, key, made["UploadId"])

    def upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        with _translated(bucket, key):
            found = self._s3.list_parts(Bucket=bucket, Key=key, UploadId=upload_id, MaxParts=1)
        return Upload(
            upload_id=upload_id,
            bucket=bucket,
            key=key,
            started_at=dt.datetime.fromtimestamp(0, dt.UTC),
            algorithm=found["ChecksumAlgorithm"].lower() if ABOUT_CHECKSUM in found else None,
            full_object=found.get("ChecksumType") == "FULL_OBJECT",
        )

    def put_part(
        self,
        upload: Upload,
        number: int,
        content: Iterable[bytes] | BinaryIO,
        *,
        checksums: Mapping[str, str] | None = None,
    ) -> Part:
        with buffer_content(content, {} if checksums is None else checksums) as spool, _translated(upload.bucket, upload.key):
            fields = _named(upload) | checksum_fields(spool.checksums)
            self._s3.upload_part(PartNumber=number, Body=spool.file, ContentMD5=spool.md5, **fields)
            return Part(number, spool.size, spool.etag, dt.datetime.now(dt.UTC), spool.checksums)

    def list_parts(self, upload: Upload) -> tuple[Part, ...]:
        with _translated(upload.bucket, upload.key):
            pages = self._s3.get_paginator("list_parts").paginate(**_named(upload))
            return tuple(part_of_row(row) for page in pages for row in page.get("Parts", []))

    def list_uploads(self, bucket: str, *, prefix: str = "") -> tuple[Upload, ...]:
        with _translated(bucket):
            pages = self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
            return tuple(upload_of_row(bucket, row) for page in pages for row in page.get("Uploads", []))

    def complete_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[CompletedPart],
        *,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        if not parts:
            raise errors.InvalidPart("an upload is completed with at least one part")
        with _translated(bucket, key):
            self._s3.complete_multipart_upload(
                Bucket=bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": [claim_fields(claim) for claim in parts]},
                **checksum_fields(checksums or {}),
                **condition_fields(condition),
            )
        return self.head(bucket, key)

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        with _translated(bucket, key):
            self._s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)


@contextlib.contextmanager
def _translated(
    bucket: str = "", key: str = "", *, missing: type[ServiceError] = errors.NoSuchBucket
) -> Iterator[None]:
    """AWS's codes as the port's errors. ``missing`` is what a 404 without a code means, as HEAD gives it."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        kind = missing if code == "404" else _CODES.get(code, ServiceError)
        raise kind(f"{bucket}/{key}: {error.response['Error'].get('Message', code)}") from error
    except BotoCoreError as error:
        raise Unavailable(f"the S3 store does not answer: {error}") from error


def _named(upload: Upload) -> dict[str, str]:
    return {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}


def _nothing() -> Iterator[bytes]:
    yield from ()


def _closing(body: Any) -> Iterator[bytes]:
    with contextlib.closing(body):
        yield from body.iter_chunks(CHUNK_BYTES)
