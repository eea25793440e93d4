import json
from pathlib import Path

from naiad.service.endpoints.serving.prepared_model import PreparedModel, load_prepared_model


def test_a_prepared_model_is_saved_and_loaded(tmp_path: Path):
    prepared = PreparedModel(tmp_path, "script", None, 1, {"A": "1"}, has_requirements=True, replica_port=8500)
    prepared.save()
    assert load_prepared_model(tmp_path) == prepared
    assert load_prepared_model(tmp_path / "nothing") is None


def test_the_record_of_an_earlier_version_is_loaded(tmp_path: Path):
    values = {
        "folder": "",
        "kind": "artifact",
        "engine": "onnxruntime",
        "most_samples": 8,
        "environment": {},
        "has_packages": False,
        "port": 8500,
        "workers": 2,
        "table_uri": "s3://b/m.tar.gz.engines.json",
    }
    (tmp_path / "prepared.json").write_text(json.dumps(values))
    expected = PreparedModel(
        tmp_path,
        "artifact",
        "onnxruntime",
        8,
        {},
        has_requirements=False,
        replica_port=8500,
        replicas_per_instance=2,
        engine_table_uri="s3://b/m.tar.gz.engines.json",
    )
    assert load_prepared_model(tmp_path) == expected
