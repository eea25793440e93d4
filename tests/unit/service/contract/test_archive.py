"""Archives of models and of source code."""

import io

import pytest

from naiad.service.contract.archive import extract_tar
from naiad.service.domain.errors import Invalid


def test_an_archive_that_is_refused_is_an_invalid_request(tmp_path):
    with pytest.raises(Invalid, match="the archive cannot be read"):
        extract_tar(io.BytesIO(b"not a tar"), tmp_path)
