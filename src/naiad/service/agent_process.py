"""``python -m naiad.service.agent_process FOLDER``: the process of one instance of a job.

``python -m naiad.service.agent_process --warm MODULE…`` is a warm interpreter, from which such processes are forked. Here, and
nowhere in the rooms of the jobs, the programs of Naiad's own have their names.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from naiad.service.jobs.agent.programs import NaiadPrograms
from naiad.service.jobs.agent.run import run_agent
from naiad.service.jobs.agent.warm_interpreter import run_warm_interpreter

PROGRAMS = NaiadPrograms(trainer="naiad.trainer.job", transform="naiad.service.endpoints.transform")


def main(arguments: Sequence[str]) -> int:
    if arguments[0] == "--warm":
        return run_warm_interpreter(arguments[1:], PROGRAMS)
    run_agent(Path(arguments[0]).absolute(), PROGRAMS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
