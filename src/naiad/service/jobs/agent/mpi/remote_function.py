"""``python -m … [--job_ended 1]``: what ``@remote(use_mpirun=True)`` of the SDK runs around mpirun, without sshd and paramiko.

The first instance has nothing to do before; the others serve it until it says that it has ended.
"""

import json
import os
import sys
from collections.abc import Sequence

from naiad.service.jobs.agent.mpi.remote_shell import RemoteShell, watch


def main(arguments: Sequence[str]) -> int:
    host, first = os.environ["SM_CURRENT_HOST"], os.environ["SM_MASTER_ADDR"]
    if host != first:
        return RemoteShell(host).serve()
    if list(arguments) == ["--job_ended", "1"]:
        for other in json.loads(os.environ["SM_HOSTS"]):
            if other != first:
                watch(other).send_bytes(b"ended")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
