"""MPI jobs of SDK 2 and of SDK 3, on one instance and on two, with this machine's mpirun."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from naiad.service.domain.status import Phase

pytestmark = pytest.mark.skipif(shutil.which("mpirun") is None, reason="there is no mpirun (apt install openmpi-bin)")
RANK = """
    import os, socket, sys
    rank, size = os.environ["OMPI_COMM_WORLD_RANK"], os.environ["OMPI_COMM_WORLD_SIZE"]
    if "--fail" in sys.argv and rank == "1":
        raise ValueError("rank 1 is at fault")
    print("rank", rank, "of", size, "on", socket.gethostname(), os.environ["SM_CURRENT_HOST"], sys.argv[1:])
"""
DRIVER = "distributed_drivers/mpi_driver.py"
SM_TRAIN = """
set -e
export SM_ENTRY_SCRIPT=train.py SM_DISTRIBUTED_CONFIG='{"process_count_per_node": 2, "mpi_additional_options": null}'
cd /opt/ml/input/data/code
python3 /opt/ml/input/data/sm_drivers/distributed_drivers/mpi_driver.py
"""


def ranks(lines: list[str]) -> list[str]:
    return sorted(line.partition("<stdout>:")[2].strip() for line in lines if "<stdout>:rank" in line)


def mpi(**values: str) -> dict[str, str]:
    script = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://naiad/source.tar.gz"}
    return {**script, "sagemaker_mpi_enabled": "true", "sagemaker_mpi_num_of_processes_per_host": "2", **values}


def test_one_instance(run: Any) -> None:
    done = run(RANK, HyperParameters=mpi(lr="1", sagemaker_mpi_custom_mpi_options='"--NCCL_DEBUG INFO -x A=1"'))
    assert done.report.phase is Phase.COMPLETED, done.lines
    assert ranks(done.lines) == [f"rank {rank} of 2 on algo-1 algo-1 ['--lr', '1']" for rank in range(2)]


def test_two_instances_run_their_own_processes(run: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda index: run(RANK, index=index, instances=2, HyperParameters=mpi()), range(2))
    assert first.report.phase is second.report.phase is Phase.COMPLETED, (first.lines, second.lines)
    assert ranks(first.lines) == [
        f"rank {rank} of 4 on algo-{rank // 2 + 1} algo-{rank // 2 + 1} []" for rank in range(4)
    ]


def test_the_reason_is_that_of_the_failed_process(run: Any) -> None:
    done = run(RANK, HyperParameters=mpi(fail="1"))
    assert done.report.failure_reason == "AlgorithmError: ValueError: rank 1 is at fault (train.py, line 5)"


@pytest.mark.parametrize("fail", [False, True])
def test_the_driver_of_sdk_3_is_replaced(run: Any, put: Any, fail: bool) -> None:
    put({"code/train.py": "\n".join(line[4:] for line in RANK.splitlines()).encode()})
    put({f"drivers/{DRIVER}": b"import paramiko", "drivers/sm_train.sh": SM_TRAIN.encode()})
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
    channels = [
        {"ChannelName": name, "DataSource": {"S3DataSource": {**source, "S3Uri": f"s3://naiad/{folder}/"}}}
        for name, folder in (("code", "code"), ("sm_drivers", "drivers"))
    ]
    words = {"ContainerEntrypoint": ["/bin/bash", "/opt/ml/input/data/sm_drivers/sm_train.sh"]}
    done = run(
        "",
        AlgorithmSpecification={"TrainingImage": "any/python:1", "TrainingInputMode": "File", **words},
        HyperParameters={"fail": "1"} if fail else {"sizes": json.dumps([1, 2])},
        InputDataConfig=channels,
    )
    if fail:
        assert done.report.failure_reason == "AlgorithmError: ValueError: rank 1 is at fault (train.py, line 5)"
    else:
        assert ranks(done.lines) == [f"rank {rank} of 2 on algo-1 algo-1 ['--sizes', '[1, 2]']" for rank in range(2)]


BOOTSTRAP = "sagemaker_remote_function_bootstrap"
JOB_DRIVER = f"""
set -eu
utils=/opt/ml/input/data/{BOOTSTRAP}/mpi_utils_remote.py
export SM_MASTER_ADDR=algo-1
python $utils
if [ $SM_CURRENT_HOST = algo-1 ]; then
    mpirun --host algo-1:1,algo-2:1 -np 2 --allow-run-as-root --tag-output \\
        -mca btl_tcp_if_include lo -mca pml ob1 -mca btl ^openib python -u /opt/ml/input/data/{BOOTSTRAP}/rank.py
    python $utils --job_ended 1
fi
"""


def test_a_remote_function_runs_on_two_instances(run: Any, put: Any) -> None:
    """Starts it as ``@remote(use_mpirun=True)`` of the SDK does."""
    put({"boot/job_driver.sh": JOB_DRIVER.encode(), "boot/mpi_utils_remote.py": b"import paramiko"})
    put({"boot/rank.py": b"import os\nos.write(1, f\"rank {os.environ['SM_CURRENT_HOST']}\\n\".encode())"})
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated", "S3Uri": "s3://naiad/boot/"}
    words = {"ContainerEntrypoint": ["/bin/bash", f"/opt/ml/input/data/{BOOTSTRAP}/job_driver.sh"]}
    request = {
        "AlgorithmSpecification": {"TrainingImage": "any/python:1", "TrainingInputMode": "File", **words},
        "InputDataConfig": [{"ChannelName": BOOTSTRAP, "DataSource": {"S3DataSource": source}}],
    }
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda index: run("", index=index, instances=2, **request), range(2))
    assert first.report.phase is second.report.phase is Phase.COMPLETED, (first.lines, second.lines)
    assert ranks(first.lines) == ["rank algo-1", "rank algo-2"]


def test_without_namespaces_there_is_one_instance(run: Any, without_namespaces: tuple[str, ...]) -> None:
    done = run(RANK, instances=2, agent=without_namespaces, HyperParameters=mpi())
    assert "MPI runs on one instance only" in done.report.failure_reason
