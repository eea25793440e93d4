"""Drivers of the SageMaker SDK that need sshd and paramiko, replaced in the channels that bring them."""

from pathlib import Path

_MODULES = {
    "input/data/sm_drivers/distributed_drivers/mpi_driver.py": "naiad.service.jobs.agent.mpi.sdk_driver",
    "input/data/sagemaker_remote_function_bootstrap/mpi_utils_remote.py": "naiad.service.jobs.agent.mpi.remote_function",
}
"""The file below /opt/ml, and the module that runs in its place."""
_STAND_IN = "import runpy\n\nrunpy.run_module({module!r}, run_name='__main__')\n"


def replace_drivers(ml: Path) -> None:
    for name, module in _MODULES.items():
        if (ml / name).is_file():
            (ml / name).unlink()
            (ml / name).write_text(_STAND_IN.format(module=module), encoding="utf-8")
