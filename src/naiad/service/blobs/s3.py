"""The blob store in a real S3 store, through boto3.

Content is sent only after it is buffered whole and its checksums are verified.
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
from naiad.service.blobs.customer_key import check_key as check_customer_key
from naiad.service.blobs.names import check_bucket_name, check_key
from naiad.service.blobs.port import (
    NO_ATTRIBUTES,
    UNCONDITIONAL,
    CompletedPart,
    ObjectAttributes,
    ObjectInfo,
    ObjectPage,
    ObjectPart,
    Part,
    Upload,
    WriteCondition,
)
from naiad.service.blobs.s3_errors import translate_s3_errors
from naiad.service.blobs.s3_shapes import (
    attribute_fields,
    checksum_fields,
    completed_part_fields,
    condition_fields,
    info_of_head,
    info_of_row,
    part_of_head,
    part_of_row,
    replacement_fields,
    upload_fields,
    upload_of_row,
)
from naiad.service.domain.errors import NotServed, ServiceError, Unavailable

_LAST_CHARACTER = "\U0010ffff"


class S3BlobStore:
    def __init__(self, client: BaseClient) -> None:
        self._s3: Any = client
        """Typed Any: its methods are made from AWS's model at run time."""

    def list_buckets(self) -> tuple[tuple[str, dt.datetime], ...]:
        with translate_s3_errors():
            rows = self._s3.list_buckets()["Buckets"]
        return tuple(sorted((row["Name"], row["CreationDate"]) for row in rows))

    def create_bucket(self, bucket: str) -> None:
        check_bucket_name(bucket)
        if self.has_bucket(bucket):
            raise errors.BucketExists(f"there is a bucket {bucket} already")
        region = self._s3.meta.region_name
        location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with translate_s3_errors():
            self._s3.create_bucket(Bucket=bucket, **location)

    def delete_bucket(self, bucket: str) -> None:
        for upload in self.list_uploads(bucket):
            with contextlib.suppress(errors.NoSuchUpload):
                self.abort_upload(bucket, upload.key, upload.upload_id)
        with translate_s3_errors():
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
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        checksums: Mapping[str, str] | None = None,
        condition: WriteCondition = UNCONDITIONAL,
    ) -> ObjectInfo:
        check_key(key)
        with (
            buffer_content(content, {} if checksums is None else checksums) as buffered,
            translate_s3_errors(bucket, key),
        ):
            self._s3.put_object(
                Bucket=bucket,
                Key=key,
                Body=buffered.file,
                ContentMD5=buffered.content_md5,
                **attribute_fields(attributes),
                **checksum_fields(buffered.checksums),
                **condition_fields(condition),
            )
        return self.head(bucket, key)

    def head(self, bucket: str, key: str) -> ObjectInfo:
        with translate_s3_errors(bucket, key, missing=errors.NoSuchKey):
            response = self._s3.head_object(Bucket=bucket, Key=check_key(key), ChecksumMode="ENABLED")
        return info_of_head(bucket, key, response)

    def read(
        self, bucket: str, key: str, *, start: int = 0, length: int | None = None, customer_key: bytes | None = None
    ) -> tuple[ObjectInfo, Iterator[bytes]]:
        info = self.head(bucket, key)
        check_customer_key(customer_key, info.key_seal)
        end = info.size if length is None else min(info.size, start + length)
        if start >= end:
            return info, _no_chunks()
        with translate_s3_errors(bucket, key):
            body = self._s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}", IfMatch=info.etag)[
                "Body"
            ]
        return info, _iter_and_close(body)

    def copy(
        self,
        source: tuple[str, str],
        bucket: str,
        key: str,
        *,
        replace: ObjectAttributes | None = None,
        condition: WriteCondition = UNCONDITIONAL,
        source_etag: str | None = None,
    ) -> ObjectInfo:
        self.head(*source)
        new = replacement_fields(replace) if replace else {}
        match = {} if source_etag is None else {"CopySourceIfMatch": source_etag}
        with translate_s3_errors(bucket, key):
            self._s3.copy_object(
                Bucket=bucket,
                Key=check_key(key),
                CopySource={"Bucket": source[0], "Key": source[1]},
                **match,
                **new,
                **condition_fields(condition),
            )
        return self.head(bucket, key)

    def object_parts(self, bucket: str, key: str) -> tuple[ObjectPart, ...]:
        """Asks for each part by itself: GetObjectAttributes names them only where they have checksums."""
        count = int(self.head(bucket, key).etag.partition("-")[2] or 0)
        with translate_s3_errors(bucket, key, missing=errors.NoSuchKey):
            heads = (
                self._s3.head_object(Bucket=bucket, Key=key, PartNumber=number, ChecksumMode="ENABLED")
                for number in range(1, count + 1)
            )
            return tuple(part_of_head(number, head) for number, head in enumerate(heads, 1))

    def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        with translate_s3_errors(bucket, key, missing=errors.NoSuchKey):
            rows = self._s3.get_object_tagging(Bucket=bucket, Key=check_key(key))["TagSet"]
        return {row["Key"]: row["Value"] for row in rows}

    def set_tags(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        rows = [{"Key": name, "Value": value} for name, value in tags.items()]
        with translate_s3_errors(bucket, key, missing=errors.NoSuchKey):
            self._s3.put_object_tagging(Bucket=bucket, Key=check_key(key), Tagging={"TagSet": rows})

    def configuration(self, bucket: str, name: str) -> str | None:  # noqa: ARG002  # reason: it keeps none
        return None

    def set_configuration(self, bucket: str, name: str, text: str | None) -> None:
        if text is not None:
            raise NotServed(f"the {name} of bucket {bucket} is set in the foreign S3 store, not through this server")

    def delete(self, bucket: str, key: str, *, condition: WriteCondition = UNCONDITIONAL) -> None:
        with translate_s3_errors(bucket, key):
            self._s3.delete_object(Bucket=bucket, Key=check_key(key), **condition_fields(condition))

    def list(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", start_after: str = "", limit: int = 1000
    ) -> ObjectPage:
        is_common_prefix = (
            bool(delimiter)
            and len(start_after) > len(prefix)
            and start_after.startswith(prefix)
            and start_after.endswith(delimiter)
        )
        with translate_s3_errors(bucket):
            page = self._s3.list_objects_v2(
                Bucket=bucket,
                Prefix=prefix,
                Delimiter=delimiter,
                StartAfter=start_after + _LAST_CHARACTER if is_common_prefix else start_after,
                MaxKeys=limit,
            )
        objects = tuple(info_of_row(bucket, row) for row in page.get("Contents", []))
        prefixes = tuple(row["Prefix"] for row in page.get("CommonPrefixes", []))
        last = max([*(info.key for info in objects[-1:]), *prefixes[-1:]], default=None)
        return ObjectPage(objects, prefixes, last if page["IsTruncated"] else None)

    def start_upload(
        self,
        bucket: str,
        key: str,
        *,
        attributes: ObjectAttributes = NO_ATTRIBUTES,
        algorithm: str | None = None,
        full_object: bool = False,
    ) -> Upload:
        kind = "FULL_OBJECT" if full_object else "COMPOSITE"
        checksum = {"ChecksumAlgorithm": algorithm.upper(), "ChecksumType": kind} if algorithm else {}
        with translate_s3_errors(bucket, key):
            response = self._s3.create_multipart_upload(
                Bucket=bucket, Key=check_key(key), **attribute_fields(attributes), **checksum
            )
        return self.get_upload(bucket, key, response["UploadId"])

    def get_upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        with translate_s3_errors(bucket, key):
            response = self._s3.list_parts(Bucket=bucket, Key=key, UploadId=upload_id, MaxParts=1)
        return Upload(
            upload_id=upload_id,
            bucket=bucket,
            key=key,
            started_at=dt.datetime.fromtimestamp(0, dt.UTC),
            algorithm=response["ChecksumAlgorithm"].lower() if "ChecksumAlgorithm" in response else None,
            full_object=response.get("ChecksumType") == "FULL_OBJECT",
        )

    def put_part(
        self,
        upload: Upload,
        number: int,
        content: Iterable[bytes] | BinaryIO,
        *,
        checksums: Mapping[str, str] | None = None,
        customer_key: bytes | None = None,
    ) -> Part:
        check_customer_key(customer_key, upload.key_seal)
        with (
            buffer_content(content, {} if checksums is None else checksums) as buffered,
            translate_s3_errors(upload.bucket, upload.key),
        ):
            fields = upload_fields(upload) | checksum_fields(buffered.checksums)
            self._s3.upload_part(PartNumber=number, Body=buffered.file, ContentMD5=buffered.content_md5, **fields)
            return Part(number, buffered.size, buffered.etag, dt.datetime.now(dt.UTC), buffered.checksums)

    def list_parts(self, upload: Upload) -> tuple[Part, ...]:
        with translate_s3_errors(upload.bucket, upload.key):
            pages = self._s3.get_paginator("list_parts").paginate(**upload_fields(upload))
            return tuple(part_of_row(row) for page in pages for row in page.get("Parts", []))

    def list_uploads(self, bucket: str, *, prefix: str = "") -> tuple[Upload, ...]:
        with translate_s3_errors(bucket):
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
        with translate_s3_errors(bucket, key):
            self._s3.complete_multipart_upload(
                Bucket=bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": [completed_part_fields(part) for part in parts]},
                **checksum_fields(checksums or {}),
                **condition_fields(condition),
            )
        return self.head(bucket, key)

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        with translate_s3_errors(bucket, key):
            self._s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)


def _no_chunks() -> Iterator[bytes]:
    yield from ()


def _iter_and_close(body: Any) -> Iterator[bytes]:
    with contextlib.closing(body):
        yield from body.iter_chunks(CHUNK_BYTES)
