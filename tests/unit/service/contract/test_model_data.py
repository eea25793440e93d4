import io
import tarfile
from pathlib import Path

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import ObjectAttributes
from naiad.service.contract.model_data import fetch_model


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["naiad.json", "model.onnx"], ["model.onnx", "naiad.json"]),
        (["run/naiad.json", "run/model.onnx", "run/report/a", "._run"], ["model.onnx", "naiad.json", "report/a"]),
        (["run/naiad.json", "code/inference.py"], ["code/inference.py", "run/naiad.json"]),
        (["run/model.pt"], ["run/model.pt"]),
    ],
)
def test_an_artifact_that_lies_alone_in_a_subfolder_is_moved_up(tmp_path: Path, names: list[str], expected: list[str]):
    blobs = open_blobs(str(tmp_path / "blobs"))
    blobs.create_bucket("data")
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    blobs.put("data", "m.tar.gz", [file.getvalue()], attributes=ObjectAttributes("application/x-tar"))
    model = tmp_path / "ml" / "model"
    fetch_model(blobs, {"ModelDataUrl": "s3://data/m.tar.gz"}, model)
    assert sorted(str(path.relative_to(model)) for path in model.rglob("*") if path.is_file()) == expected
