from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.distribution import launcher_words
from naiad.service.jobs.rendezvous import job_port

ROOT = Path("/opt/ml")


def request(**hyperparameters: str) -> dict[str, Any]:
    return {"HyperParameters": {"sagemaker_program": "train.py", **hyperparameters}}


@pytest.mark.parametrize("name", ["sagemaker_torch_distributed_enabled", "sagemaker_pytorch_ddp_enabled"])
@pytest.mark.parametrize(("root", "address"), [(ROOT, "algo-1"), (Path("/elsewhere/ml"), "127.0.0.1")])
def test_torchrun_starts_the_script(spec_of: Any, name: str, root: Path, address: str) -> None:
    spec = spec_of(request(**{name: "true"}), index=1, instances=2)
    assert launcher_words(spec, root, is_python_file=True) == (
        "python",
        "-m",
        "torch.distributed.run",
        "--nnodes=2",
        "--node_rank=1",
        "--nproc_per_node=1",
        f"--master_addr={address}",
        f"--master_port={job_port('one')}",
    )


@pytest.mark.parametrize("value", ["false", '"false"', "null", "0"])
def test_a_setting_that_is_off(spec_of: Any, value: str) -> None:
    spec = spec_of(request(sagemaker_torch_distributed_enabled=value, sagemaker_mpi_enabled=value))
    assert launcher_words(spec, ROOT, is_python_file=True) == ("python",)


def test_torchrun_does_not_start_a_shell_script(spec_of: Any) -> None:
    with pytest.raises(Invalid, match="starts a Python file, and sagemaker_program is none"):
        launcher_words(spec_of(request(sagemaker_torch_distributed_enabled="true")), ROOT, is_python_file=False)
