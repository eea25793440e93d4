"""A stub of an agent, started with an instance's folder. ``request["Behaviour"]`` decides what it does.

It writes the files that the server expects of an agent, and runs no program.
"""

import os
import signal
import sys
from pathlib import Path

from naiad.service.domain.status import Phase
from naiad.service.executors.instance_files import AGENT_FILE, read_spec, write_process, write_report
from naiad.service.executors.port import InstanceReport
from naiad.service.executors.process import Process


def main(folder: Path) -> None:
    def stop(*_: object) -> None:
        write_report(folder, InstanceReport(Phase.STOPPED, alive=True))
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    process = Process.find(os.getpid())
    assert process is not None
    write_process(folder / AGENT_FILE, process)
    if read_spec(folder).request["Behaviour"] == "completes":
        write_report(folder, InstanceReport(Phase.COMPLETED, alive=True))
        return
    write_report(folder, InstanceReport(Phase.TRAINING, alive=True))
    while True:
        signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
