"""The SageMaker SDK's ``@remote``: a function of the client runs as a job, which first installs the SDK for itself."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
FUNCTION = """
    import os
    from sagemaker.remote_function import remote

    class TooLarge(ValueError):
        pass

    OFFSET = 10

    @remote(image_uri="any/python", instance_type="ml.m5.large", role="arn:aws:iam::000000000000:role/naiad")
    def halved(value, limit):
        print("halving", value, "in", os.environ["TRAINING_JOB_NAME"].partition("-")[0])
        if value > limit:
            raise TooLarge(f"{value} is above {limit}")
        return {"half": value / 2 + OFFSET}

    print("value", halved(3, limit=5))
    try:
        halved(8, limit=5)
    except TooLarge as error:
        print("raised", error)
"""
DISTRIBUTED = """
    import os, sys
    from sagemaker.remote_function import remote

    os.chdir(sys.argv[1])

    @remote(
        image_uri="any/python", instance_type="ml.m5.large", role="arn:aws:iam::000000000000:role/naiad",
        instance_count=2, use_torchrun=True, nproc_per_node=1, include_local_workdir=True, dependencies="./needs.txt",
        pre_execution_commands=["echo written before > /tmp/made"], environment_variables={"MADE": "/tmp/made"},
    )
    def summed(start):
        import neighbour, packaging, torch
        import torch.distributed as dist
        dist.init_process_group("gloo")
        value = torch.tensor([neighbour.twice(start + dist.get_rank())])
        dist.all_reduce(value)
        dist.destroy_process_group()
        with open(os.environ["MADE"]) as file:
            return value.item(), file.read().strip(), packaging.__version__

    print("value", summed(10))
"""


def test_a_function_returns_its_value_and_raises_its_error(server: Any, sdk2: Any) -> None:
    output = sdk2.run(server, FUNCTION)
    assert "halving 3 in halved" in output
    assert "value {'half': 11.5}" in output
    assert "raised 8 is above 5" in output
    jobs = server.client("sagemaker").list_training_jobs(NameContains="halved")["TrainingJobSummaries"]
    assert sorted(job["TrainingJobStatus"] for job in jobs) == ["Completed", "Failed"]


@pytest.mark.usefixtures("sdk_port")
def test_a_function_in_two_instances_has_its_files_packages_and_variables(
    server: Any, sdk2: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "neighbour.py").write_text("def twice(value):\n    return 2 * value\n")
    (folder / "needs.txt").write_text("packaging==24.1\n")
    output = sdk2.run(server, DISTRIBUTED, str(folder))
    assert "value (42, 'written before', '24.1')" in output
