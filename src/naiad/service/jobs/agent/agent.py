"""The agent of one instance, from its spec to its final report.

It prepares the folders, fetches the inputs, runs the program and stores the outputs. Everything that it knows is in spec.json,
and everything that it reports is in status.json and in the log. It needs no server.
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.log_writer import LogWriter
from naiad.service.domain.errors import StorageFull
from naiad.service.domain.job import JobKind
from naiad.service.domain.status import STATUS_OF, Phase
from naiad.service.executors.instance_files import write_report
from naiad.service.executors.port import InstanceReport, InstanceSpec
from naiad.service.jobs.agent.command import is_trainer_job, program_command
from naiad.service.jobs.agent.config_files import write_config_files
from naiad.service.jobs.agent.environment import program_environment
from naiad.service.jobs.agent.failure_reason import MAX_REASON_CHARS, failure_reason
from naiad.service.jobs.agent.folder_sync import FolderSync
from naiad.service.jobs.agent.inputs import Inputs
from naiad.service.jobs.agent.job_network import JobNetwork, make_job_network
from naiad.service.jobs.agent.metric_scanner import TRAINER_DEFINITIONS, MetricScanner
from naiad.service.jobs.agent.mpi.stand_ins import replace_drivers
from naiad.service.jobs.agent.outputs import upload_processing, upload_training
from naiad.service.jobs.agent.program_monitor import EndCause, ProgramEnd
from naiad.service.jobs.agent.program_run import ProgramRun
from naiad.service.jobs.agent.programs import NaiadPrograms
from naiad.service.jobs.agent.resource_limits import limit_reason
from naiad.service.jobs.agent.signal_interrupt import SignalInterrupt, interrupt_on_signal
from naiad.service.jobs.agent.standby import Standby
from naiad.service.jobs.pause import may_pause, pause_message, read_pause
from naiad.service.walls.program_files import read_text
from naiad.service.walls.removal import remove_program_files
from naiad.service.walls.resource_guard import max_tasks
from naiad.service.walls.sandbox import Sandbox, SandboxOptions, make_sandbox

_MAX_LISTED_NAMES, _MAX_NAME_CHARS = 5, 200


@dataclass
class Agent:
    spec: InstanceSpec
    blobs: BlobStore
    log: LogWriter
    programs: NaiadPrograms
    standby: Standby | None = None
    """The standby of an agent that comes from a warm interpreter."""
    is_stop_requested: bool = False
    report: InstanceReport = field(default_factory=lambda: InstanceReport(Phase.STARTING, alive=True))
    start_time_s: float = field(default_factory=time.monotonic)

    @property
    def folder(self) -> Path:
        return self.spec.instance.folder

    def run(self) -> None:
        self._report(Phase.STARTING)
        self._remove_earlier_attempts()
        sandbox, network = self._make_sandbox(), self._make_network()
        try:
            with interrupt_on_signal(self._remaining_s()):
                self._check_stop()
                syncs = self._prepare(sandbox)
                self._check_stop()
        except SignalInterrupt:
            self._end_early()
            return
        self._report(Phase.TRAINING)
        end = self._run_program(sandbox, network)
        self._report(Phase.UPLOADING)
        for sync in syncs:
            sync.finish()
        if self._has_paused(end, sandbox):
            return
        if end.status == 0 or self.spec.instance.kind is not JobKind.TRANSFORM:  # a failed transform stores nothing
            self._upload(sandbox.ml)
        self._finish(end, sandbox)

    def fail(self, reason: str) -> None:
        self.report = replace(self.report, failure_reason=reason)
        self._report(Phase.FAILED)

    def dismiss_standby(self) -> None:
        if self.standby is not None:
            self.standby.dismiss()

    def _make_sandbox(self) -> Sandbox:
        """Returns the walls of the program. What they leave open on this machine is said in the log."""
        spec = self.spec
        tasks = max_tasks(len(spec.cpus))
        options = SandboxOptions(spec.instance.host, spec.hosts, spec.run_as_root, spec.memory_bytes, tasks)
        sandbox = make_sandbox(self.folder, self.folder.parents[4], options)
        for gap in sandbox.gaps:
            self.log.write_message(gap)
        return sandbox

    def _make_network(self) -> JobNetwork:
        network = make_job_network(self.spec)
        if network.message is not None:
            self.log.write_message(network.message)
        return network

    def _remove_earlier_attempts(self) -> None:
        """Removes what the programs of earlier attempts left: it would take this attempt's room on the disk."""
        for attempt in range(1, self.spec.instance.attempt):
            remove_program_files(self.folder.parents[1] / str(attempt) / self.spec.instance.host)

    def _check_stop(self) -> None:
        if self.is_stop_requested:
            raise SignalInterrupt

    def _end_early(self) -> None:
        if self.is_stop_requested:
            self._report(Phase.STOPPED, "stopped before the program started")
        else:
            self._report(Phase.MAX_RUNTIME_EXCEEDED, "MaxRuntimeInSeconds was over before the program started")

    def _prepare(self, sandbox: Sandbox) -> list[FolderSync]:
        """Returns the folders that are stored while the program runs."""
        write_config_files(self.spec, sandbox.ml)
        self._report(Phase.DOWNLOADING)
        syncs = Inputs(self.spec, self.blobs, sandbox.ml, self.log.write_message).fetch()
        replace_drivers(sandbox.ml)
        return syncs

    def _run_program(self, sandbox: Sandbox, network: JobNetwork) -> ProgramEnd:
        definitions = self.spec.request.get("AlgorithmSpecification", {}).get("MetricDefinitions")
        if not definitions:
            definitions = TRAINER_DEFINITIONS if is_trainer_job(self.spec) else ()
        scanner = MetricScanner(definitions, self.folder, self.log.write_message)

        def on_data(data: bytes) -> None:
            for line in self.log.feed(data):
                scanner.scan(line)

        run = ProgramRun(
            self.spec,
            sandbox,
            network,
            self._remaining_s,
            is_stop_requested=lambda: self.is_stop_requested,
            on_data=on_data,
            log_message=self.log.write_message,
        )
        spec = network.program_spec(self.spec)
        command = program_command(spec, self.blobs, self.programs, ml=sandbox.ml, root=sandbox.root)
        end = run.run(command, program_environment(spec, sandbox.root), self.standby)
        for line in self.log.flush():
            scanner.scan(line)
        scanner.close()
        self.report = replace(self.report, metrics=dict(scanner.last_values))
        return end

    def _remaining_s(self) -> float | None:
        """Returns what is left of MaxRuntimeInSeconds, which includes the time of the downloads; None without a limit."""
        max_s = self.spec.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
        used_s = time.monotonic() - self.start_time_s + self.spec.seconds_before
        return None if max_s is None else max(0.0, max_s - used_s)

    def _has_paused(self, end: ProgramEnd, sandbox: Sandbox) -> bool:
        """Reports a pause. What the program needs to go on is stored by then."""
        is_possible = may_pause(self.spec.request) and end.cause is EndCause.BY_ITSELF
        epoch = read_pause(end.status, sandbox.ml) if is_possible else None
        if epoch is None:
            return False
        remove_program_files(self.folder)
        self._report(Phase.PAUSED, pause_message(epoch))
        return True

    def _upload(self, ml: Path) -> None:
        if self.spec.instance.kind is JobKind.TRAINING:
            left_out = upload_training(self.spec, self.blobs, ml)
        else:
            left_out = upload_processing(self.spec, self.blobs, ml)
        if left_out:
            names = [name[:_MAX_NAME_CHARS] for name in left_out[:_MAX_LISTED_NAMES]]
            more = ", …" if len(left_out) > _MAX_LISTED_NAMES else ""
            self.log.write_message(f"not stored, because only regular files are: {', '.join(names)}{more}")

    def _finish(self, end: ProgramEnd, sandbox: Sandbox) -> None:
        message = read_text(sandbox.ml, "output/message", max_chars=MAX_REASON_CHARS)
        if message:
            self.report = replace(self.report, exit_message=message)
        if end.cause is EndCause.TIME_LIMIT:
            self._report(Phase.MAX_RUNTIME_EXCEEDED, "MaxRuntimeInSeconds was over")
        elif end.excess is not None:
            self.fail(limit_reason(end.excess, self.spec))
        elif end.cause is EndCause.STOPPED:
            self._report(Phase.STOPPED, "stopped as requested")
        elif end.status == 0:
            self._report(Phase.COMPLETED)
        else:
            written = read_text(sandbox.ml, "output/failure", max_chars=MAX_REASON_CHARS)
            self.fail(failure_reason(end.status, list(self.log.last_lines), written, root=sandbox.root))

    def _report(self, phase: Phase, message: str = "") -> None:
        self.report = replace(self.report, phase=phase, message=message)
        try:
            write_report(self.folder, self.report)
        except StorageFull:
            if not STATUS_OF[phase].is_final:
                raise
            remove_program_files(self.folder)  # they are stored by now, or never will be
            write_report(self.folder, self.report)
