"""``python -m naiad.service.jobs.agent FOLDER``: one instance of a job, from its order to its end.

Reads top to bottom: prepare the contract, fetch, run, store. Everything that it knows is in spec.json; everything that it has to
say is in status.json and in the log. It needs no server.
"""

import logging
import os
import signal
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import Blobs
from naiad.service.domain.errors import ServiceError
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.executors.files import AGENT, read_report, read_spec, write_json, write_report
from naiad.service.executors.port import InstanceReport, InstanceSpec
from naiad.service.executors.process import Process
from naiad.service.jobs.agent.channels import Fetcher
from naiad.service.jobs.agent.checkpoints import CheckpointSync
from naiad.service.jobs.agent.command import command_of, is_trainer
from naiad.service.jobs.agent.contract import environment, write_config
from naiad.service.jobs.agent.failure import reason_of
from naiad.service.jobs.agent.log import LogWriter
from naiad.service.jobs.agent.output import upload_processing, upload_training
from naiad.service.jobs.agent.program import End, Ended, Limits, run_program
from naiad.service.jobs.agent.sandbox import Sandbox, make_sandbox
from naiad.service.jobs.agent.scan import OF_TRAINER, Scanner
from naiad.service.jobs.s3_uri import parse_s3_uri

_LOG = logging.getLogger("naiad.agent")
_STOP_TIMEOUT_S = 120.0


@dataclass
class Agent:
    spec: InstanceSpec
    blobs: Blobs
    log: LogWriter
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
        checkpoints = self._prepare(sandbox)
        if self.stopping:
            self._tell(Phase.STOPPED, "stopped before the program began")
            return
        self._tell(Phase.TRAINING)
        end = self._run_program(sandbox)
        self._tell(Phase.UPLOADING)
        if checkpoints is not None:
            checkpoints.finish()
        self._upload(sandbox.ml)
        self._finish(end, sandbox.ml)

    def _prepare(self, sandbox: Sandbox) -> CheckpointSync | None:
        write_config(self.spec, sandbox.ml)
        self._tell(Phase.DOWNLOADING)
        spec = self.spec
        fetcher = Fetcher(self.blobs, spec.cache_folder, index=spec.instance.index, instances=len(spec.hosts))
        if spec.instance.kind is JobKind.PROCESSING:
            self._fetch_processing(fetcher, sandbox.ml)
            return None
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
        for output in self.spec.request.get("ProcessingOutputConfig", {}).get("Outputs", ()):
            local = output.get("S3Output", {}).get("LocalPath", "")
            if local.startswith("/opt/ml/"):
                (ml / local.removeprefix("/opt/ml/")).mkdir(parents=True, exist_ok=True)

    def _checkpoints(self, fetcher: Fetcher, ml: Path) -> CheckpointSync | None:
        config = self.spec.request.get("CheckpointConfig")
        if not config or self.spec.instance.index > 0:
            return None
        local = config.get("LocalPath", "/opt/ml/checkpoints").rstrip("/").removeprefix("/opt/ml/")
        folder = ml / local
        folder.mkdir(parents=True, exist_ok=True)
        sync = CheckpointSync(self.blobs, parse_s3_uri(config["S3Uri"], at="CheckpointConfig"), folder)
        if count := sync.restore(fetcher):
            self.log.say(f"{count} checkpoint files were brought back")
        sync.start()
        return sync

    def _run_program(self, sandbox: Sandbox) -> End:
        command = command_of(self.spec, self.blobs, ml=sandbox.ml, root=sandbox.root)
        definitions = self.spec.request.get("AlgorithmSpecification", {}).get("MetricDefinitions")
        scanner = Scanner(definitions or (OF_TRAINER if is_trainer(self.spec) else ()), self.folder)

        def on_data(data: bytes) -> None:
            for line in self.log.feed(data):
                scanner.line(line)

        condition = self.spec.request.get("StoppingCondition", {})
        timeout_s = float(self.spec.request.get("Environment", {}).get("NAIAD_STOP_TIMEOUT_S", _STOP_TIMEOUT_S))
        variables = {**environment(self.spec, sandbox.root), **command.environment}
        end = run_program(
            (*sandbox.prefix, *command.words),
            variables,
            folder=self.folder,
            cwd=sandbox.ml / "code",
            cpus=self.spec.cpus,
            limits=Limits(condition.get("MaxRuntimeInSeconds"), timeout_s),
            on_data=on_data,
            asked_to_stop=lambda: self.stopping,
        )
        for line in self.log.close():
            scanner.line(line)
        scanner.close()
        self.report = replace(self.report, metrics=dict(scanner.last))
        return end

    def _upload(self, ml: Path) -> None:
        if self.spec.instance.kind is JobKind.PROCESSING:
            upload_processing(self.spec, self.blobs, ml)
        else:
            upload_training(self.spec, self.blobs, ml)

    def _finish(self, end: End, ml: Path) -> None:
        message = _text(ml / "output" / "message")
        if message:
            self.report = replace(self.report, exit_message=message[:1024])
        if end.how is Ended.OUT_OF_TIME:
            self._tell(Phase.MAX_RUNTIME_EXCEEDED, "its MaxRuntimeInSeconds were over")
        elif end.how is Ended.STOPPED:
            self._tell(Phase.STOPPED, "stopped as asked")
        elif end.status == 0:
            self._tell(Phase.COMPLETED)
        else:
            self.fail(reason_of(end.status, list(self.log.last), ml / "output" / "failure"))

    def fail(self, reason: str) -> None:
        self.report = replace(self.report, failure_reason=reason)
        self._tell(Phase.FAILED)

    def _tell(self, phase: Phase, message: str = "") -> None:
        self.report = replace(self.report, phase=phase, message=message)
        write_report(self.folder, self.report)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def main(folder: Path) -> int:
    """Once for a folder: an agent that was killed is followed by a new attempt in a new one."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    me = Process.of(os.getpid())
    assert me is not None
    if read_report(folder, alive=True) is not None:
        return 0
    write_json(folder / AGENT, asdict(me))
    spec = read_spec(folder)
    agent = Agent(spec, open_blobs(spec.blobs_url), LogWriter(folder))

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
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
