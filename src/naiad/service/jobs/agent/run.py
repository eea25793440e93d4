"""The process of an agent: one process for a folder, which reports every failure of its own."""

import fcntl
import logging
import os
import signal
from pathlib import Path
from typing import IO

from naiad.service.blobs.open import open_blobs
from naiad.service.contract.log_writer import LogWriter
from naiad.service.domain.errors import ServiceError
from naiad.service.executors.instance_files import (
    AGENT_FILE,
    AGENT_LOG_FILE,
    read_report,
    read_spec,
    translate_disk_full,
    write_process,
)
from naiad.service.executors.process import Process
from naiad.service.jobs.agent.agent import Agent
from naiad.service.jobs.agent.programs import NaiadPrograms
from naiad.service.jobs.agent.standby import Standby

_LOG = logging.getLogger("naiad.agent")


def run_agent(folder: Path, programs: NaiadPrograms, standby: Standby | None = None) -> None:
    """Runs the instance in ``folder`` to its end. Does nothing when an agent has run there before, or runs there now.

    After an agent that was killed, a new attempt runs in a folder of its own.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    with (folder / "agent.lock").open("ab") as lock:
        if _acquire(lock) and read_report(folder, alive=True) is None:
            process = Process.find(os.getpid())
            if process is None:
                raise RuntimeError("/proc does not show this process")
            write_process(folder / AGENT_FILE, process)
            _run(folder, programs, standby)


def _acquire(lock: IO[bytes]) -> bool:
    """Takes the lock of the folder. Two agents may have been started, when the answer of the first came late.

    The lock is released when the process ends, and its children do not inherit it.
    """
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _run(folder: Path, programs: NaiadPrograms, standby: Standby | None) -> None:
    spec = read_spec(folder)
    agent = Agent(spec, open_blobs(spec.blobs_url), LogWriter(folder), programs, standby)

    def request_stop(*_: object) -> None:
        agent.is_stop_requested = True

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with translate_disk_full("the job's files"):
            agent.run()
    except ServiceError as error:
        agent.fail(f"ClientError: {error}")
    except OSError as error:
        agent.fail(f"InternalServerError: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}")
    except Exception:  # noqa: BLE001  # reason: the process's edge
        _LOG.exception("the agent failed")
        agent.fail(f"InternalServerError: the agent failed; see {AGENT_LOG_FILE} in its folder")
    finally:
        agent.dismiss_standby()
        agent.log.close()
