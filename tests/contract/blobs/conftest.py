"""Both blob stores for the contract suite: the folder, and an S3 store through boto3, which is our own gateway here."""

import contextlib
import hashlib
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.s3 import S3BlobStore

SERVER = Path(__file__).parents[2] / "wire" / "s3_server.py"


@contextlib.contextmanager
def serve_s3(folder):
    process = subprocess.Popen([sys.executable, SERVER, folder], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    with serve_s3(tmp_path_factory.mktemp("s3")) as url:
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )
        yield S3BlobStore(client)
        client.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return FolderBlobStore(tmp_path_factory.mktemp("blobs"))


@pytest.fixture(params=["folder", "remote"])
def blobs(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def bucket(blobs, request):
    name = f"b-{hashlib.md5(request.node.name.encode()).hexdigest()}"
    blobs.create_bucket(name)
    yield name
    for page in _list_pages(blobs, name):
        for info in page.objects:
            blobs.delete(name, info.key)
    blobs.delete_bucket(name)


@pytest.fixture
def list_pages():
    """A function that yields the pages of a listing."""
    return _list_pages


def _list_pages(blobs, bucket, **options):
    start_after = ""
    while start_after is not None:
        page = blobs.list(bucket, start_after=start_after, **options)
        yield page
        start_after = page.next_start_after


@pytest.fixture
def read_object():
    """A function that returns the content of an object."""

    def read(blobs, bucket, key, **options):
        return b"".join(blobs.read(bucket, key, **options)[1])

    return read
