from pathlib import Path
from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.distribution import start_of
from naiad.service.jobs.rendezvous import own_port

ROOT = Path("/opt/ml")


def asked(**hyperparameters: str) -> dict[str, Any]:
    return {"HyperParameters": {"sagemaker_program": "train.py", **hyperparameters}}


@pytest.mark.parametrize("name", ["sagemaker_torch_distributed_enabled", "sagemaker_pytorch_ddp_enabled"])
@pytest.mark.parametrize(("root", "address"), [(ROOT, "algo-1"), (Path("/elsewhere/ml"), "127.0.0.1")])
def test_torchrun_starts_the_script(spec_of: Any, name: str, root: Path, address: str) -> None:
    spec = spec_of(asked(**{name: "true"}), index=1, instances=2)
    assert start_of("train.py", spec, root) == (
        "python",
        "-m",
        "torch.distributed.run",
        "--nnodes=2",
        "--node_rank=1",
        "--nproc_per_node=1",
        f"--master_addr={address}",
        f"--master_port={own_port('one')}",
    )


@pytest.mark.parametrize("value", ["false", '"false"', "null", "0"])
def test_what_is_off_is_off(spec_of: Any, value: str) -> None:
    given = asked(sagemaker_torch_distributed_enabled=value, sagemaker_mpi_enabled=value)
    assert start_of("train.py", spec_of(given), ROOT) == ("python",)
    assert start_of("train.sh", spec_of(given), ROOT) == ("bash",)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sagemaker_mpi_enabled", "MPI"),
        ("sagemaker_distributed_dataparallel_enabled", "smdistributed"),
        ("sagemaker_parameter_server_enabled", "parameter server"),
    ],
)
def test_what_nobody_starts_here_is_refused(spec_of: Any, name: str, what: str) -> None:
    with pytest.raises(Invalid, match=f"the hyperparameter {name} asks for .*{what}"):
        start_of("train.py", spec_of(asked(**{name: "true"})), ROOT)


def test_torchrun_starts_no_shell_script(spec_of: Any) -> None:
    with pytest.raises(Invalid, match=r"starts a Python script, and sagemaker_program is 'run.sh'"):
        start_of("run.sh", spec_of(asked(sagemaker_torch_distributed_enabled="true")), ROOT)
