"""Processing jobs of the unmodified SageMaker SDKs: inputs from S3, a script with its folder, outputs in S3, and the log."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROLE = "arn:aws:iam::000000000000:role/naiad"
SCRIPT = """
import pathlib, sys
{imports}
files = sorted(pathlib.Path("/opt/ml/processing/input/data").rglob("*.txt"))
print("files", [path.name for path in files], sys.argv[1:], {source})
clean = pathlib.Path("/opt/ml/processing/output/clean/deep")
clean.mkdir(parents=True)
(clean / "all.txt").write_text("".join(path.read_text() for path in files).upper())
"""
LINE = "files ['a.txt', 'b.txt'] ['--name', 'two words']"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A folder with ``alone.py``, ``bad.py``, and the folder ``code``, whose ``main.py`` imports a neighbour."""
    folder = tmp_path / "scripts"
    (folder / "code").mkdir(parents=True)
    (folder / "alone.py").write_text(SCRIPT.format(imports="", source="'alone'"))
    (folder / "bad.py").write_text("raise ValueError('no rows')\n")
    (folder / "code" / "main.py").write_text(SCRIPT.format(imports="import neighbour", source="neighbour.NAME"))
    (folder / "code" / "neighbour.py").write_text("NAME = 'with its neighbour'\n")
    return folder


def outputs(server: Any, *names: str) -> list[bytes]:
    store = server.client("s3")
    contents = [store.get_object(Bucket="naiad", Key=f"clean/{name}/deep/all.txt")["Body"].read() for name in names]
    store.close()
    return contents


def test_processors_of_sdk_2(server: Any, sdk2: Any, scripts: Path) -> None:
    program = """
        import sys
        from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput, ScriptProcessor
        from sagemaker.pytorch import PyTorch
        from sagemaker.s3 import S3Downloader
        from sagemaker.sklearn.processing import SKLearnProcessor

        machine = {"role": sys.argv[2], "instance_count": 1, "instance_type": "ml.m5.large"}
        clean = "/opt/ml/processing/output/clean"

        def options(name, base="s3://naiad/clean/"):
            return {
                "job_name": name, "arguments": ["--name", "two words"],
                "inputs": [ProcessingInput(source="s3://naiad/data/", destination="/opt/ml/processing/input/data")],
                "outputs": [ProcessingOutput(output_name="clean", source=clean, destination=base and base + name)],
            }

        script = ScriptProcessor(image_uri="naiad/python", command=["python3"], **machine)
        script.run(sys.argv[1] + "/alone.py", **options("script"))
        print("status", script.latest_job.describe()["ProcessingJobStatus"])
        SKLearnProcessor("1.2-1", **machine).run(sys.argv[1] + "/alone.py", **options("sklearn"))
        framework = FrameworkProcessor(PyTorch, framework_version="2.3.0", py_version="py311", **machine)
        framework.run(code="main.py", source_dir=sys.argv[1] + "/code", **options("framework"))
        script.run(sys.argv[1] + "/alone.py", wait=False, **options("chosen", None))
        script.latest_job.wait(logs=False)
        print("chosen", S3Downloader.list(script.latest_job.outputs[0].destination))
        try:
            script.run(sys.argv[1] + "/bad.py", job_name="bad")
        except Exception as error:
            print("failed:", error)
    """
    output = sdk2.run(server, program, str(scripts), ROLE)
    assert "status Completed" in output
    assert output.count(f"{LINE} alone") >= 2
    assert f"{LINE} with its neighbour" in output
    assert "chosen ['s3://naiad/chosen/output/clean/deep/all.txt']" in output
    assert "Reason: AlgorithmError: ValueError: no rows (bad.py, line 1)" in output
    assert outputs(server, "script", "sklearn", "framework") == [b"AB", b"AB", b"AB"]


def test_processors_of_sdk_3(server: Any, sdk3: Any, scripts: Path) -> None:
    program = """
        import sys
        from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
        from sagemaker.core.resources import ProcessingJob
        from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

        machine = {"role": sys.argv[2], "instance_count": 1, "instance_type": "ml.m5.large", "image_uri": "naiad/python"}
        data, clean = "/opt/ml/processing/input/data", "/opt/ml/processing/output/clean"

        def options(name):
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

        ScriptProcessor(command=["python3"], **machine).run(code=sys.argv[1] + "/alone.py", **options("script"))
        framework = FrameworkProcessor(command=["python3"], **machine)
        framework.run(code="main.py", source_dir=sys.argv[1] + "/code", **options("framework"))
        print("jobs", sorted((job.processing_job_name, job.processing_job_status) for job in ProcessingJob.get_all()))
    """
    output = sdk3.run(server, textwrap.dedent(program), str(scripts), ROLE)
    assert f"{LINE} alone" in output
    assert f"{LINE} with its neighbour" in output
    assert "jobs [('framework', 'Completed'), ('script', 'Completed')]" in output
    assert outputs(server, "script", "framework") == [b"AB", b"AB"]
