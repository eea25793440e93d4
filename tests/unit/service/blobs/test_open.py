import pytest

from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.s3 import S3BlobStore
from naiad.service.domain.errors import Invalid


def test_a_folder_or_an_endpoint_is_opened(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert isinstance(open_blobs(str(tmp_path / "blobs")), FolderBlobStore)
    assert isinstance(open_blobs("http://127.0.0.1:1"), S3BlobStore)
    with pytest.raises(Invalid, match="ftp"):
        open_blobs("ftp://somewhere")
