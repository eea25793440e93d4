"""An executor without processes, for tests of the rooms above: its instances report what the test tells them to."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from naiad.service.domain.status import STATUS_OF, Phase
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec


@dataclass
class InlineExecutor:
    """Keeps what was started, stopped and killed. Like real agents, its instances survive the supervisor that started them."""

    on_start: Callable[[InstanceSpec], None] | None = None
    """Called before an instance starts. An error that it raises is that of ``start``."""
    started: list[InstanceSpec] = field(default_factory=list)
    """The started instances, in the order of their starts."""
    stopped: list[Instance] = field(default_factory=list)
    killed: list[Instance] = field(default_factory=list)
    _scripts: dict[tuple[str, str], list[InstanceReport]] = field(default_factory=dict)
    _reports: dict[Instance, list[InstanceReport]] = field(default_factory=dict)

    def set_reports(self, job_name: str, host: str, *reports: InstanceReport) -> None:
        """Sets what instances of this job and host report, one after the other; the last report is repeated.

        This holds for a running instance as well as for those that are started later.
        """
        self._scripts[job_name, host] = list(reports)
        for instance in self.alive:
            if (instance.job_name, instance.host) == (job_name, host):
                self._reports[instance] = list(reports)

    def lose(self, instance: Instance) -> None:
        """Simulates kill -9 of the agent: keeps the last report and marks the agent as dead."""
        self._reports[instance] = [replace(self._reports[instance][0], alive=False)]

    def start(self, spec: InstanceSpec) -> None:
        if spec.instance in self._reports:
            return
        if self.on_start is not None:
            self.on_start(spec)
        self.started.append(spec)
        script = self._scripts.get((spec.instance.job_name, spec.instance.host), [])
        self._reports[spec.instance] = list(script) or [InstanceReport(Phase.STARTING, alive=True)]

    def report(self, instance: Instance) -> InstanceReport | None:
        reports = self._reports.get(instance)
        if reports is None:
            return None
        return reports.pop(0) if len(reports) > 1 else reports[0]

    def stop(self, instance: Instance) -> None:
        self.stopped.append(instance)
        if instance in self.alive:
            self._reports[instance] = [InstanceReport(Phase.STOPPED, alive=False)]

    def kill(self, instance: Instance) -> None:
        self.killed.append(instance)
        if instance in self.alive:
            self.lose(instance)

    @property
    def alive(self) -> list[Instance]:
        """The instances whose agents are alive and have not reported a final phase."""
        return [
            instance
            for instance, (report, *_) in self._reports.items()
            if report.alive and not STATUS_OF[report.phase].is_final
        ]
