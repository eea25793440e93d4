"""Transfers with S3's own tools: boto3's multipart transfers and the AWS CLI."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from boto3.s3.transfer import TransferConfig

MIB = 2**20


@pytest.fixture
def aws(s3_url, s3, tmp_path):
    """Runs the AWS CLI and returns its standard output."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": s3_url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def run(*arguments):
        command = [Path(sys.executable).with_name("aws"), *arguments]
        completed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout

    return run


def test_a_large_file_is_uploaded_in_parts_and_downloaded(s3, tmp_path):
    data = os.urandom(MIB) * 21
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.upload_fileobj(io.BytesIO(data), "data", "large", Config=config, ExtraArgs={"Metadata": {"n": "1"}})
    head = s3.head_object(Bucket="data", Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"')
    assert head["Metadata"] == {"n": "1"}
    assert head["ChecksumCRC32"].endswith("-3") or head["ChecksumType"] == "FULL_OBJECT"
    s3.download_file("data", "large", str(tmp_path / "large"), Config=config)
    assert (tmp_path / "large").read_bytes() == data


def test_the_command_line_copies_and_syncs_folders(aws, s3, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep er").mkdir(parents=True)
    (source / "deep er" / "ä.txt").write_text("one")
    (source / "big.bin").write_bytes(os.urandom(9 * MIB))
    for file in (source / "deep er" / "ä.txt", source / "big.bin"):
        os.utime(file, (1e9, 1e9))  # times of objects are whole seconds, as S3's: a younger file would be copied again
    aws("s3", "cp", "--recursive", source, "s3://data/cli/")
    assert "deep er/ä.txt" in aws("s3", "ls", "--recursive", "s3://data/cli/")
    aws("s3", "sync", "s3://data/cli/", target)
    assert (target / "deep er" / "ä.txt").read_text() == "one"
    assert (target / "big.bin").read_bytes() == (source / "big.bin").read_bytes()
    assert aws("s3", "sync", source, "s3://data/cli/").strip() == ""
    assert '"ContentLength": 3' in aws("s3api", "head-object", "--bucket", "data", "--key", "cli/deep er/ä.txt")
    aws("s3", "rm", "--recursive", "s3://data/cli/")
    assert s3.list_objects_v2(Bucket="data", Prefix="cli/")["KeyCount"] == 0
