"""Processing jobs of the SageMaker SDKs, unmodified: inputs from S3, a script with its folder, outputs on S3, and the log."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROLE = "arn:aws:iam::000000000000:role/naiad"
SCRIPT = """
import pathlib, sys
{imports}
given = sorted(pathlib.Path("/opt/ml/processing/input/data").rglob("*.txt"))
print("files", [path.name for path in given], sys.argv[1:], {told})
clean = pathlib.Path("/opt/ml/processing/output/clean/deep")
clean.mkdir(parents=True)
(clean / "all.txt").write_text("".join(path.read_text() for path in given).upper())
"""
SAID = "files ['a.txt', 'b.txt'] ['--name', 'two words']"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """``alone.py``, ``bad.py``, and the folder ``code`` whose ``main.py`` has a neighbour."""
    folder = tmp_path / "scripts"
    (folder / "code").mkdir(parents=True)
    (folder / "alone.py").write_text(SCRIPT.format(imports="", told="'alone'"))
    (folder / "bad.py").write_text("raise ValueError('no rows')\n")
    (folder / "code" / "main.py").write_text(SCRIPT.format(imports="import neighbour", told="neighbour.NAME"))
    (folder / "code" / "neighbour.py").write_text("NAME = 'with its neighbour'\n")
    return folder


def outputs(server: Any, *names: str) -> list[bytes]:
    store = server.client("s3")
    found = [store.get_object(Bucket="naiad", Key=f"clean/{name}/deep/all.txt")["Body"].read() for name in names]
    store.close()
    return found


def test_processors_of_sdk_2(server: Any, sdk2: Any, scripts: Path) -> None:
    program = """
        import sys
        from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput, ScriptProcessor
        from sagemaker.pytorch import PyTorch
        from sagemaker.s3 import S3Downloader
        from sagemaker.sklearn.processing import SKLearnProcessor

        machine = {"role": sys.argv[2], "instance_count": 1, "instance_type": "ml.m5.large"}
        clean = "/opt/ml/processing/output/clean"

        def given(name, place="s3://naiad/clean/"):
            return {
                "job_name": name, "arguments": ["--name", "two words"],
                "inputs": [ProcessingInput(source="s3://naiad/data/", destination="/opt/ml/processing/input/data")],
                "outputs": [ProcessingOutput(output_name="clean", source=clean, destination=place and place + name)],
            }

        script = ScriptProcessor(image_uri="naiad/python", command=["python3"], **machine)
        script.run(sys.argv[1] + "/alone.py", **given("script"))
        print("status", script.latest_job.describe()["ProcessingJobStatus"])
        SKLearnProcessor("1.2-1", **machine).run(sys.argv[1] + "/alone.py", **given("sklearn"))
        framework = FrameworkProcessor(PyTorch, framework_version="2.3.0", py_version="py311", **machine)
        framework.run(code="main.py", source_dir=sys.argv[1] + "/code", **given("framework"))
        script.run(sys.argv[1] + "/alone.py", wait=False, **given("chosen", None))
        script.latest_job.wait(logs=False)
        print("chosen", S3Downloader.list(script.latest_job.outputs[0].destination))
        try:
            script.run(sys.argv[1] + "/bad.py", job_name="bad")
        except Exception as error:
            print("failed:", error)
    """
    told = sdk2.run(server, program, str(scripts), ROLE)
    assert "status Completed" in told
    assert told.count(f"{SAID} alone") >= 2
    assert f"{SAID} with its neighbour" in told
    assert "chosen ['s3://naiad/chosen/output/clean/deep/all.txt']" in told
    assert "Reason: AlgorithmError: ValueError: no rows (bad.py, line 1)" in told
    assert outputs(server, "script", "sklearn", "framework") == [b"AB", b"AB", b"AB"]


def test_processors_of_sdk_3(server: Any, sdk3: Any, scripts: Path) -> None:
    program = """
        import sys
        from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
        from sagemaker.core.resources import ProcessingJob
        from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

        machine = {"role": sys.argv[2], "instance_count": 1, "instance_type": "ml.m5.large", "image_uri": "naiad/python"}
        data, clean = "/opt/ml/processing/input/data", "/opt/ml/processing/output/clean"

        def given(name):
            source = ProcessingS3Input(
                s3_uri="s3://naiad/data/", local_path=data, s3_data_type="S3Prefix", s3_input_mode="File"
            )
            result = ProcessingS3Output(
                s3_uri="s3://naiad/clean/" + name, local_path=clean, s3_upload_mode="EndOfJob"
            )
            return {
                "job_name": name, "arguments": ["--name", "two words"],
                "inputs": [ProcessingInput(input_name="data", s3_input=source)],
                "outputs": [ProcessingOutput(output_name="clean", s3_output=result)],
            }

        ScriptProcessor(command=["python3"], **machine).run(code=sys.argv[1] + "/alone.py", **given("script"))
        framework = FrameworkProcessor(command=["python3"], **machine)
        framework.run(code="main.py", source_dir=sys.argv[1] + "/code", **given("framework"))
        print("jobs", sorted((job.processing_job_name, job.processing_job_status) for job in ProcessingJob.get_all()))
    """
    told = sdk3.run(server, textwrap.dedent(program), str(scripts), ROLE)
    assert f"{SAID} alone" in told
    assert f"{SAID} with its neighbour" in told
    assert "jobs [('framework', 'Completed'), ('script', 'Completed')]" in told
    assert outputs(server, "script", "framework") == [b"AB", b"AB"]
