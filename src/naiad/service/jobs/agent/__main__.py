"""``python -m naiad.service.jobs.agent FOLDER``: an agent as a process of its own."""

import sys
from pathlib import Path

from naiad.service.jobs.agent.agent import run_agent

if __name__ == "__main__":
    run_agent(Path(sys.argv[1]).absolute())
