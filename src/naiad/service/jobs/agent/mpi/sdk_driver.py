"""``python -m …``: the MPI driver of a job of SDK 3, in place of the SDK's own, which needs sshd and paramiko.

Reads the variables that the SDK's scripts have set, and writes the reason of a failure where those scripts look for it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from naiad.service.contract.training_toolkit import decode_value
from naiad.service.jobs.agent.failure_reason import failure_reason
from naiad.service.jobs.agent.mpi.launcher import run_mpi
from naiad.service.jobs.agent.mpi.mpirun import MpiSettings

_FAILURE = Path("/opt/ml/output/failure")


def main() -> int:
    config: dict[str, Any] = json.loads(os.environ["SM_DISTRIBUTED_CONFIG"])
    per_host = int(config.get("process_count_per_node") or 0) or int(os.environ.get("SM_NUM_GPUS", "0")) or 1
    settings = MpiSettings(
        hosts=tuple(json.loads(os.environ["SM_HOSTS"])),
        processes_per_host=per_host,
        options=tuple(config.get("mpi_additional_options") or ()),
    )
    arguments = [
        word for name, value in json.loads(os.environ["SM_HPS"]).items() for word in (f"--{name}", _argument(value))
    ]
    status, lines = run_mpi(settings, ["python", os.environ["SM_ENTRY_SCRIPT"], *arguments])
    if status and not _FAILURE.exists():
        _FAILURE.write_text(failure_reason(status, lines, ""), encoding="utf-8")
    return status


def _argument(value: Any) -> str:
    """Returns a value as the SDK's drivers write it."""
    decoded = decode_value(value) if isinstance(value, str) else value
    return decoded if isinstance(decoded, str) else json.dumps(decoded)


if __name__ == "__main__":
    sys.exit(main())
