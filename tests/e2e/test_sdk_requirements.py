"""Packages that jobs of unmodified clients install: the job has them, and the server's own packages do not change."""

import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROLE = "arn:aws:iam::000000000000:role/naiad"
REMOTE = """
    import sys
    from concurrent.futures import ThreadPoolExecutor
    from sagemaker.core.remote_function import remote

    def divide(x, y):
        import sys, torch
        print("dividing by", y, flush=True)
        return {"quotient": torch.tensor(x / y).item(), "prefix": sys.prefix, "torch": torch.__file__}

    def remotely(prefix):  # two jobs of one prefix and one millisecond would get one name
        decorator = remote(role=sys.argv[1], instance_type="ml.m5.large", image_uri="naiad/python", dependencies=sys.argv[2],
                           job_name_prefix=prefix)
        return decorator(divide)

    def refused():
        try:
            remotely("refused")(1, 0)
        except ZeroDivisionError as error:
            return repr(error)

    with ThreadPoolExecutor() as threads:
        answers = [threads.submit(remotely("divide"), 3, y=4), threads.submit(refused)]
    print("answers", *(answer.result() for answer in answers))
"""
MODEL_TRAINER = """
    import sys
    from sagemaker.train import ModelTrainer
    from sagemaker.train.configs import Compute, SourceCode
    trainer = ModelTrainer(
        training_image="naiad/python", role=sys.argv[1], base_job_name="installs",
        source_code=SourceCode(source_dir=sys.argv[2], entry_script="train.py", requirements="requirements.txt"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
    )
    trainer.train(wait=True, logs=False)
"""


def installed_packages() -> dict[str, int]:
    folder = Path(sysconfig.get_path("purelib"))
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.dist-info")}


def test_a_remote_function_of_sdk_3_with_dependencies(server: Any, sdk3: Any, tmp_path: Path) -> None:
    requirements, before = tmp_path / "requirements.txt", installed_packages()
    requirements.write_text("sagemaker-core>=2.20,<3\n")
    output = sdk3.run(server, REMOTE, ROLE, str(requirements))
    assert "dividing by 4" in output
    answers = output.split("answers ")[1]
    assert answers.startswith(
        "{'quotient': 0.75, 'prefix': '/opt/ml/python', 'torch': '" + sysconfig.get_path("purelib")
    )
    assert "ZeroDivisionError('division by zero')" in answers
    assert installed_packages() == before, f"a job changed the packages of {sys.prefix}"


def test_requirements_of_a_model_trainer(server: Any, sdk3: Any, tmp_path: Path) -> None:
    code, before = tmp_path / "code", installed_packages()
    code.mkdir()
    (code / "requirements.txt").write_text("packaging==24.2\n")
    (code / "train.py").write_text("import packaging\nprint('packaging', packaging.__version__, packaging.__file__)\n")
    sdk3.run(server, MODEL_TRAINER, ROLE, str(code))
    logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
    (event,) = logs.filter_log_events(logGroupName=group, filterPattern='"packaging 24.2 "')["events"]
    assert event["message"].startswith("packaging 24.2 /opt/ml/python/")
    assert installed_packages() == before, f"a job changed the packages of {sys.prefix}"
