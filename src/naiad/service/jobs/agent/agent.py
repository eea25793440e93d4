"""One instance of a job, from its order to its end.

Reads top to bottom: prepare the contract, fetch, run, store. Everything that it knows is in spec.json; everything that it has to
say is in status.json and in the log. It needs no server.
"""

import fcntl
import logging
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import Blobs
from naiad.service.domain.errors import Invalid, ServiceError
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.files import AGENT, read_report, read_spec, write_json, write_report
from naiad.service.executors.port import InstanceReport, InstanceSpec
from naiad.service.executors.process import Process
from naiad.service.jobs.agent.channels import Fetcher
from naiad.service.jobs.agent.command import command_of, is_trainer
from naiad.service.jobs.agent.contract import environment, write_config
from naiad.service.jobs.agent.failure import LONGEST, reason_of
from naiad.service.jobs.agent.log import LogWriter
from naiad.service.jobs.agent.output import outputs_of, upload_processing, upload_training
from naiad.service.jobs.agent.program import End, Ended, Limits, Running, Spawned, follow
from naiad.service.jobs.agent.program_files import text_of
from naiad.service.jobs.agent.sandbox import Sandbox, make_sandbox
from naiad.service.jobs.agent.scan import OF_TRAINER, Scanner
from naiad.service.jobs.agent.standby import Order, Standby, can_stand_in
from naiad.service.jobs.agent.sync import FolderSync
from naiad.service.jobs.model_data import fetch_model
from naiad.service.jobs.s3_uri import parse_s3_uri

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

    @property
    def folder(self) -> Path:
        return self.spec.instance.folder

    def run(self) -> None:
        self._tell(Phase.STARTING)
        state = self.folder.parents[4]
        sandbox = make_sandbox(self.folder, state, host=self.spec.instance.host, hosts=self.spec.hosts)
        if not sandbox.is_closed:
            self.log.say("namespaces are refused here: the program runs without /opt/ml, by its SM_ variables")
        syncs = self._prepare(sandbox)
        if self.stopping:
            self._tell(Phase.STOPPED, "stopped before the program began")
            return
        self._tell(Phase.TRAINING)
        end = self._run_program(sandbox)
        self._tell(Phase.UPLOADING)
        for sync in syncs:
            sync.finish()
        if end.status == 0 or self.spec.instance.kind is not JobKind.TRANSFORM:  # half of an answer is none
            self._upload(sandbox.ml)
        self._finish(end, sandbox.ml)

    def _prepare(self, sandbox: Sandbox) -> list[FolderSync]:
        """What is stored while the program runs."""
        write_config(self.spec, sandbox.ml)
        self._tell(Phase.DOWNLOADING)
        spec = self.spec
        fetcher = Fetcher(self.blobs, spec.cache_folder, index=spec.instance.index, instances=len(spec.hosts))
        if spec.instance.kind is JobKind.PROCESSING:
            self._fetch_processing(fetcher, sandbox.ml)
            return self._continuous_outputs(sandbox.ml)
        if spec.instance.kind is JobKind.TRANSFORM:
            self._fetch_transform(fetcher, sandbox.ml)
            return []
        for channel in spec.request.get("InputDataConfig", ()):
            name = channel["ChannelName"]
            source = channel["DataSource"]["S3DataSource"]
            fetcher.channel(source, sandbox.ml / "input" / "data" / name, name=name)
        return self._checkpoints(fetcher, sandbox.ml)

    def _fetch_processing(self, fetcher: Fetcher, ml: Path) -> None:
        for given in self.spec.request.get("ProcessingInputs", ()):
            source = given.get("S3Input", {})
            if source.get("LocalPath", "").startswith("/opt/ml/"):
                fetcher.channel(source, ml / source["LocalPath"].removeprefix("/opt/ml/"), name=given["InputName"])
        for output in outputs_of(self.spec):
            (ml / output.local).mkdir(parents=True, exist_ok=True)

    def _fetch_transform(self, fetcher: Fetcher, ml: Path) -> None:
        """Several instances share the files."""
        fetch_model(self.blobs, self.spec.request["Container"], ml / "model")
        source = self.spec.request["TransformInput"]["DataSource"]["S3DataSource"]
        shared = {**source, "S3DataDistributionType": "ShardedByS3Key"}
        fetcher.channel(shared, ml / "transform" / "input", name="TransformInput")

    def _checkpoints(self, fetcher: Fetcher, ml: Path) -> list[FolderSync]:
        config = self.spec.request.get("CheckpointConfig")
        if not config:
            return []
        local = config.get("LocalPath", "/opt/ml/checkpoints").rstrip("/").removeprefix("/opt/ml/")
        sync = self._begun(config["S3Uri"], ml, local, at="CheckpointConfig", fetcher=fetcher)
        return [sync]

    def _continuous_outputs(self, ml: Path) -> list[FolderSync]:
        outputs = [output for output in outputs_of(self.spec) if output.is_continuous]
        return [self._begun(output.uri, ml, output.local, at=f"output {output.name}") for output in outputs]

    def _begun(self, uri: str, ml: Path, local: str, *, at: str, fetcher: Fetcher | None = None) -> FolderSync:
        """With a fetcher, what is there already is brought back first."""
        (ml / local).mkdir(parents=True, exist_ok=True)
        sync = FolderSync(self.blobs, parse_s3_uri(uri, at=at), ml, local)
        if fetcher is not None and (count := sync.restore(fetcher)):
            self.log.say(f"{count} checkpoint files were brought back")
        sync.start()
        return sync

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
        condition = self.spec.request.get("StoppingCondition", {})
        timeout_s = _stop_timeout_s(self.spec.request.get("Environment", {}))
        return Limits(condition.get("MaxRuntimeInSeconds"), timeout_s, self.spec.memory_bytes or None)

    def _upload(self, ml: Path) -> None:
        if self.spec.instance.kind is not JobKind.TRAINING:
            left_out = upload_processing(self.spec, self.blobs, ml)
        else:
            left_out = upload_training(self.spec, self.blobs, ml)
        if left_out:
            named = [name[:_LONGEST_NAME] for name in left_out[:_MOST_NAMED]]
            more = ", …" if len(left_out) > _MOST_NAMED else ""
            self.log.say(f"not stored, since only files are: {', '.join(named)}{more}")

    def _finish(self, end: End, ml: Path) -> None:
        message = text_of(ml, "output/message", most_chars=LONGEST)
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
            self.fail(reason_of(end.status, list(self.log.last), text_of(ml, "output/failure", most_chars=LONGEST)))

    def dismiss_standby(self) -> None:
        if self.standby is not None:
            self.standby.dismiss()

    def fail(self, reason: str) -> None:
        self.report = replace(self.report, failure_reason=reason)
        self._tell(Phase.FAILED)

    def _tell(self, phase: Phase, message: str = "") -> None:
        self.report = replace(self.report, phase=phase, message=message)
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
