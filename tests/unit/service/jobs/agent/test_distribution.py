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
    assert launcher_words("train.py", spec, root) == (
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
    settings = request(sagemaker_torch_distributed_enabled=value, sagemaker_mpi_enabled=value)
    assert launcher_words("train.py", spec_of(settings), ROOT) == ("python",)
    assert launcher_words("train.sh", spec_of(settings), ROOT) == ("bash",)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sagemaker_mpi_enabled", "MPI"),
        ("sagemaker_distributed_dataparallel_enabled", "smdistributed"),
        ("sagemaker_parameter_server_enabled", "parameter server"),
    ],
)
def test_other_distributions_are_refused(spec_of: Any, name: str, what: str) -> None:
    with pytest.raises(Invalid, match=f"the hyperparameter {name} asks for .*{what}"):
        launcher_words("train.py", spec_of(request(**{name: "true"})), ROOT)


def test_torchrun_does_not_start_a_shell_script(spec_of: Any) -> None:
    with pytest.raises(Invalid, match=r"starts a Python script, and sagemaker_program is 'run.sh'"):
        launcher_words("run.sh", spec_of(request(sagemaker_torch_distributed_enabled="true")), ROOT)
