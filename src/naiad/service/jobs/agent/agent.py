"""One instance of a job, from its order to its end.

Reads top to bottom: prepare the contract, fetch, run, store. Everything that it knows is in spec.json; everything that it has to
say is in status.json and in the log. It needs no server.
"""

import fcntl
import logging
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import Blobs
from naiad.service.contract.log_writer import LogWriter
from naiad.service.domain.errors import Invalid, ServiceError, StorageFull
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import STATUS_OF, Phase
from naiad.service.executors.files import AGENT, read_report, read_spec, room_for, write_json, write_report
from naiad.service.executors.port import InstanceReport, InstanceSpec
from naiad.service.executors.process import Process
from naiad.service.jobs.agent.command import command_of, is_trainer
from naiad.service.jobs.agent.contract import environment, write_config
from naiad.service.jobs.agent.failure import LONGEST, reason_of
from naiad.service.jobs.agent.inputs import Inputs
from naiad.service.jobs.agent.interrupt import Interrupted, interruptible
from naiad.service.jobs.agent.output import upload_processing, upload_training
from naiad.service.jobs.agent.program import End, Ended, Limits, Running, Spawned, follow
from naiad.service.jobs.agent.program_files import text_of
from naiad.service.jobs.agent.scan import OF_TRAINER, Scanner
from naiad.service.jobs.agent.standby import Order, Standby, can_stand_in
from naiad.service.jobs.agent.sync import FolderSync
from naiad.service.jobs.trees import remove_program_files
from naiad.service.walls.sandbox import Sandbox, make_sandbox

_LOG = logging.getLogger("naiad.agent")
_STOP_TIMEOUT_S = 120.0
_LONGEST_STOP_TIMEOUT_S = 3600.0
_GIB = 2**30
_MOST_NAMED, _LONGEST_NAME = 5, 200


@dataclass
class Agent:
    spec: InstanceSpec
    blobs: Blobs
    log: LogWriter
    standby: Standby | None = None
    """Of an agent that came from a warm interpreter."""
    stopping: bool = False
    report: InstanceReport = field(default_factory=lambda: InstanceReport(Phase.STARTING, alive=True))
    began_s: float = field(default_factory=time.monotonic)

    @property
    def folder(self) -> Path:
        return self.spec.instance.folder

    def run(self) -> None:
        self._tell(Phase.STARTING)
        self._remove_earlier_attempts()
        state = self.folder.parents[4]
        sandbox = make_sandbox(self.folder, state, host=self.spec.instance.host, hosts=self.spec.hosts)
        if not sandbox.is_closed:
            self.log.say(
                "namespaces are refused here: the program runs without /opt/ml, by its SM_ variables, and can read the "
                "server's folder"
            )
        try:
            with interruptible(self._left_s()):
                self._check_stopping()
                syncs = self._prepare(sandbox)
                self._check_stopping()
        except Interrupted:
            self._end_early()
            return
        self._tell(Phase.TRAINING)
        end = self._run_program(sandbox)
        self._tell(Phase.UPLOADING)
        for sync in syncs:
            sync.finish()
        if end.status == 0 or self.spec.instance.kind is not JobKind.TRANSFORM:  # half of an answer is none
            self._upload(sandbox.ml)
        self._finish(end, sandbox)

    def _remove_earlier_attempts(self) -> None:
        """Their programs are gone; what they fetched and made would take the room of this one's."""
        for attempt in range(1, self.spec.instance.attempt):
            remove_program_files(self.folder.parents[1] / str(attempt) / self.spec.instance.host)

    def _check_stopping(self) -> None:
        if self.stopping:
            raise Interrupted

    def _end_early(self) -> None:
        if self.stopping:
            self._tell(Phase.STOPPED, "stopped before the program began")
        else:
            self._tell(Phase.MAX_RUNTIME_EXCEEDED, "its MaxRuntimeInSeconds were over before the program began")

    def _prepare(self, sandbox: Sandbox) -> list[FolderSync]:
        """What is stored while the program runs."""
        write_config(self.spec, sandbox.ml)
        self._tell(Phase.DOWNLOADING)
        return Inputs(self.spec, self.blobs, sandbox.ml, self.log.say).fetch()

    def _run_program(self, sandbox: Sandbox) -> End:
        limits = self._limits()
        definitions = self.spec.request.get("AlgorithmSpecification", {}).get("MetricDefinitions")
        scanner = Scanner(definitions or (OF_TRAINER if is_trainer(self.spec) else ()), self.folder, self.log.say)

        def on_data(data: bytes) -> None:
            for line in self.log.feed(data):
                scanner.line(line)

        end = follow(
            self._start(sandbox),
            folder=self.folder,
            limits=limits,
            on_data=on_data,
            asked_to_stop=lambda: self.stopping,
        )
        for line in self.log.rest():
            scanner.line(line)
        scanner.close()
        self.report = replace(self.report, metrics=dict(scanner.last))
        return end

    def _start(self, sandbox: Sandbox) -> Running:
        """By the standby where it can be, since its libraries are loaded; else as a new process."""
        command = command_of(self.spec, self.blobs, ml=sandbox.ml, root=sandbox.root)
        variables = {**environment(self.spec, sandbox.root), **command.environment}
        asked = self.spec.request.get("Environment", {})
        if self.standby is not None and can_stand_in(command.words, asked, [sandbox.ml / "code"]):
            cwd = str(sandbox.root / "code")
            self.standby.begin(Order(command.words, variables, cwd, self.spec.cpus, sandbox.mounts))
            return self.standby
        self.dismiss_standby()
        words, outer = sandbox.start_of(command.words, variables)
        try:
            return Spawned(words, outer, cwd=sandbox.ml / "code", cpus=self.spec.cpus)
        except OSError as error:
            raise Invalid(f"the program {words[0]!r} cannot be started: {error.strerror}") from error

    def _limits(self) -> Limits:
        timeout_s = _stop_timeout_s(self.spec.request.get("Environment", {}))
        return Limits(self._left_s(), timeout_s, self.spec.memory_bytes or None)

    def _left_s(self) -> float | None:
        """Of MaxRuntimeInSeconds, which counts what is fetched before the program begins."""
        most_s = self.spec.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
        return None if most_s is None else max(0.0, self.began_s + most_s - time.monotonic())

    def _upload(self, ml: Path) -> None:
        if self.spec.instance.kind is not JobKind.TRAINING:
            left_out = upload_processing(self.spec, self.blobs, ml)
        else:
            left_out = upload_training(self.spec, self.blobs, ml)
        if left_out:
            named = [name[:_LONGEST_NAME] for name in left_out[:_MOST_NAMED]]
            more = ", …" if len(left_out) > _MOST_NAMED else ""
            self.log.say(f"not stored, since only files are: {', '.join(named)}{more}")

    def _finish(self, end: End, sandbox: Sandbox) -> None:
        message = text_of(sandbox.ml, "output/message", most_chars=LONGEST)
        if message:
            self.report = replace(self.report, exit_message=message)
        if end.how is Ended.OUT_OF_TIME:
            self._tell(Phase.MAX_RUNTIME_EXCEEDED, "its MaxRuntimeInSeconds were over")
        elif end.how is Ended.OUT_OF_MEMORY:
            self.fail(_too_much(end.used_bytes or 0, self.spec.memory_bytes))
        elif end.how is Ended.STOPPED:
            self._tell(Phase.STOPPED, "stopped as asked")
        elif end.status == 0:
            self._tell(Phase.COMPLETED)
        else:
            written = text_of(sandbox.ml, "output/failure", most_chars=LONGEST)
            self.fail(reason_of(end.status, list(self.log.last), written, root=sandbox.root))

    def dismiss_standby(self) -> None:
        if self.standby is not None:
            self.standby.dismiss()

    def fail(self, reason: str) -> None:
        self.report = replace(self.report, failure_reason=reason)
        self._tell(Phase.FAILED)

    def _tell(self, phase: Phase, message: str = "") -> None:
        self.report = replace(self.report, phase=phase, message=message)
        try:
            write_report(self.folder, self.report)
        except StorageFull:
            if not STATUS_OF[phase].is_final:
                raise
            remove_program_files(self.folder)  # they are stored, or will not be
            write_report(self.folder, self.report)


def _stop_timeout_s(environment: Mapping[str, str]) -> float:
    text = environment.get("NAIAD_STOP_TIMEOUT_S", str(_STOP_TIMEOUT_S))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_STOP_TIMEOUT_S:
        raise Invalid(
            f"Environment's NAIAD_STOP_TIMEOUT_S is {text!r}: give seconds, 0 to {_LONGEST_STOP_TIMEOUT_S:.0f}"
        )
    return seconds


def _too_much(used_bytes: int, given_bytes: int) -> str:
    used, given = f"{used_bytes / _GIB:.2f} GiB", f"{given_bytes / _GIB:.2f} GiB"
    hint = "take a smaller batch or a larger instance type"
    return f"AlgorithmError: out of memory: the program used {used} of the {given} that it was given; {hint}"


def run_agent(folder: Path, standby: Standby | None = None) -> None:
    """Once for a folder: an agent that was killed is followed by a new attempt in a new one."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    me = Process.of(os.getpid())
    assert me is not None
    with (folder / "agent.lock").open("ab") as lock:
        if _holds(lock) and read_report(folder, alive=True) is None:
            write_json(folder / AGENT, asdict(me))
            _serve(folder, standby)


def _holds(lock: IO[bytes]) -> bool:
    """Two may have been started when an answer was late. The lock goes with the process, and not to its children."""
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _serve(folder: Path, standby: Standby | None) -> None:
    spec = read_spec(folder)
    agent = Agent(spec, open_blobs(spec.blobs_url), LogWriter(folder), standby)

    def stop(*_: object) -> None:
        agent.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with room_for("the job's files"):
            agent.run()
    except ServiceError as error:
        agent.fail(f"ClientError: {error}")
    except OSError as error:
        agent.fail(f"InternalServerError: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}")
    except Exception:  # noqa: BLE001  # reason: the process's edge
        _LOG.exception("the agent failed")
        agent.fail("InternalServerError: the agent failed; its folder has agent.log")
    finally:
        agent.dismiss_standby()
        agent.log.close()
