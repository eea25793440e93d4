"""Programs of the user's own, and refusals at the door, as boto3 sees them."""

import json
import os
import shutil
from typing import Any

import pytest
from botocore.exceptions import ClientError

IMAGE = {"TrainingImage": "me/own:1", "TrainingInputMode": "File"}


def refusal(create: Any) -> str:
    with pytest.raises(ClientError) as caught:
        create()
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    return str(error["Message"])


def test_a_bring_your_own_program_runs_without_an_entry_point(jobs: Any, channel: Any) -> None:
    """The file ``train`` of an image, in a channel: SageMaker runs it and gives it files, and no arguments."""
    program = b'#!/bin/sh\necho "args $# $(cat /opt/ml/input/config/hyperparameters.json)"; echo w > /opt/ml/model/w\n'
    jobs.put({"own/train": program, "own-data/a.csv": b"1"})
    channels = [channel("training", "own-data/"), channel("code", "own/")]
    name = jobs.start("own", AlgorithmSpecification=IMAGE, InputDataConfig=channels, HyperParameters={"k": "10"})
    assert jobs.completed(name) == ['args 0 {"k": "10"}']
    assert jobs.packed("out/own/output/model.tar.gz") == {"w": b"w\n"}


def test_what_will_not_run_is_refused_at_creation(jobs: Any, channel: Any) -> None:
    jobs.put({"refused/a.csv": b"1"})
    missing = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://naiad/refused/none.tar.gz"}
    words = {"ContainerEntrypoint": ["/opt/conda/bin/python"]}
    cases = {
        "a program called train": {"InputDataConfig": [channel("training", "refused/")]},
        "is no program of this machine": {"AlgorithmSpecification": {**IMAGE, **words}},
        "upload it first": {"HyperParameters": missing},
        "sagemaker_submit_directory is missing": {"HyperParameters": {"sagemaker_program": "train.py"}},
        "a parameter server, which is not served": {
            "HyperParameters": {**missing, "sagemaker_parameter_server_enabled": "true"}
        },
    }
    for number, (words_of_message, request) in enumerate(cases.items()):
        start = {"AlgorithmSpecification": IMAGE, **request}
        assert words_of_message in refusal(lambda n=number, start=start: jobs.start(f"refused-{n}", **start))


def test_more_instances_than_cores_share_them(jobs: Any) -> None:
    """The job says so in its first transition, and its instances know each other."""
    machine_cores = len(os.sched_getaffinity(0))
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": machine_cores + 1, "VolumeSizeInGB": 1}
    words = {"ContainerEntrypoint": ["sh", "-c", 'echo "$SM_CURRENT_HOST of $SM_HOSTS"']}
    name = jobs.start("shared", AlgorithmSpecification={**IMAGE, **words}, ResourceConfig=resources)
    hosts = [f"algo-{index + 1}" for index in range(machine_cores + 1)]
    assert jobs.completed(name) == [f"algo-1 of {json.dumps(hosts, separators=(',', ':'))}"]
    assert jobs.lines(name, host=machine_cores + 1)[0].startswith(f"{hosts[-1]} of")
    first = jobs.describe(name)["SecondaryStatusTransitions"][0]["StatusMessage"]
    assert f"the {machine_cores + 1} instances share the {machine_cores} cores of this machine" in first


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="there is no mpirun (apt install openmpi-bin)")
def test_mpi_of_sdk_2(jobs: Any) -> None:
    values = {"sagemaker_mpi_enabled": "true", "sagemaker_mpi_num_of_processes_per_host": "2"}
    program = "import os; print('rank', os.environ['OMPI_COMM_WORLD_RANK'])"
    lines = jobs.completed(jobs.python("mpi", program, HyperParameters=values))
    assert sorted(line.partition(":")[2].strip() for line in lines if "rank" in line and "<stdout>" in line) == [
        "rank 0",
        "rank 1",
    ]
