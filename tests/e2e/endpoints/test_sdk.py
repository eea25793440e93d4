"""Tests with the unmodified SageMaker SDKs: deploy, predict and transform, with a job's model and with a script."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROLE = "arn:aws:iam::000000000000:role/naiad"
INFERENCE = """
def model_fn(folder): return 3.0
def predict_fn(data, model): return data * model
"""
TRAIN = """
import os, pathlib
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights.txt").write_text("w")
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "inference.py").write_text(INFERENCE)
    (folder / "train.py").write_text(TRAIN)
    return folder


def test_sdk_2(own_endpoints: Any, sdk2: Any, source: Path) -> None:
    endpoints = own_endpoints
    endpoints.put("artifact/model.tar.gz", endpoints.artifact)
    endpoints.server.client("s3").put_object(Bucket="naiad", Key="rows/a.csv", Body=b"1,2\n3,4\n")
    program = """
        import sys
        import numpy as np
        from sagemaker.deserializers import JSONDeserializer
        from sagemaker.model import Model
        from sagemaker.predictor import Predictor
        from sagemaker.pytorch import PyTorch, PyTorchModel
        from sagemaker.s3 import S3Downloader
        from sagemaker.serializers import JSONSerializer

        source, role = sys.argv[1:]
        arguments = {"framework_version": "2.3.0", "py_version": "py311", "source_dir": source, "role": role}
        json = {"serializer": JSONSerializer(), "deserializer": JSONDeserializer()}

        estimator = PyTorch(entry_point="train.py", instance_count=1, instance_type="ml.m5.large", **arguments)
        estimator.fit(wait=True, logs=False)
        predictor = estimator.deploy(1, "ml.m5.large", entry_point="inference.py", source_dir=source)
        print("npy", predictor.predict(np.array([[1.0, 2.0]], dtype=np.float32)))
        predictor.delete_predictor()

        model = PyTorchModel(model_data=estimator.model_data, entry_point="inference.py", **arguments)
        transformer = model.transformer(
            1, "ml.m5.large", output_path="s3://naiad/answers", accept="text/csv", assemble_with="Line"
        )
        transformer.transform("s3://naiad/rows/", content_type="text/csv", split_type="Line", wait=True, logs=False)
        print("csv", S3Downloader.read_file("s3://naiad/answers/a.csv.out").split())

        artifact = Model(
            image_uri="naiad/inference", model_data="s3://naiad/artifact/model.tar.gz", role=role, predictor_cls=Predictor
        )
        predictor = artifact.deploy(1, "ml.m5.large", **json)
        print("json", predictor.predict([0] * 64)["labels"])
        try:
            predictor.predict([0] * 63)
        except Exception as error:
            print("refused", error)
    """
    output = sdk2.run(endpoints.server, program, str(source), ROLE)
    assert "npy [[3. 6.]]" in output
    assert "csv ['3.0,6.0', '9.0,12.0']" in output
    assert "json ['cat']" in output
    assert "this model takes (N, 1, 8, 8)" in output


def test_sdk_3(own_endpoints: Any, sdk3: Any) -> None:
    endpoints = own_endpoints
    endpoints.put("scripted/model.tar.gz", {"weights.txt": b"w", "code/inference.py": INFERENCE.encode()})
    endpoints.server.client("s3").put_object(Bucket="naiad", Key="rows/a.csv", Body=b"1,2\n3,4\n")
    program = """
        import json, sys
        from sagemaker.core.transformer import Transformer
        from sagemaker.serve.model_builder import ModelBuilder

        builder = ModelBuilder(
            image_uri="naiad/inference",
            s3_model_data_url="s3://naiad/scripted/model.tar.gz",
            role_arn=sys.argv[1],
            instance_type="ml.m5.large",
        )
        builder.build(model_name="built")
        endpoint = builder.deploy(endpoint_name="built", initial_instance_count=1)
        answer = endpoint.invoke(body=json.dumps([[1, 2]]), content_type="application/json", accept="application/json")
        print("json", answer.body.read())

        transformer = Transformer(
            model_name="built", instance_count=1, instance_type="ml.m5.large",
            output_path="s3://naiad/answers", accept="text/csv", assemble_with="Line",
        )
        transformer.transform("s3://naiad/rows/", content_type="text/csv", split_type="Line", wait=True, logs=False)
    """
    output = sdk3.run(endpoints.server, program, ROLE)
    assert "json b'[[3.0,6.0]]'" in output
    answer = endpoints.server.client("s3").get_object(Bucket="naiad", Key="answers/a.csv.out")["Body"].read()
    assert answer == b"3.0,6.0\n9.0,12.0\n"
