"""The port's cheap twin: agents that are a script. For tests of what is above the executors.

``play(job, host, *reports)`` says what the instance will report, one after the other; the last one stays. What was started,
stopped and killed is kept, and survives the supervisor that did it, as real agents do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from naiad.service.domain.errors import ServiceError
from naiad.service.domain.status import STATUS_OF, Phase
from naiad.service.executors.port import Instance, InstanceReport, InstanceSpec


@dataclass
class InlineExecutor:
    on_start: Callable[[InstanceSpec], None] | None = None
    """Called when an agent starts: raises what ``start`` should raise, or looks on."""
    started: list[InstanceSpec] = field(default_factory=list)
    """Each agent once, in the order of its start."""
    stopped: list[Instance] = field(default_factory=list)
    killed: list[Instance] = field(default_factory=list)
    _scripts: dict[tuple[str, str], list[InstanceReport]] = field(default_factory=dict)
    _reports: dict[Instance, list[InstanceReport]] = field(default_factory=dict)

    def play(self, job_name: str, host: str, *reports: InstanceReport) -> None:
        """What agents of this name report from now on, those that run and those that are started later."""
        self._scripts[job_name, host] = list(reports)
        for instance in self._reports:
            if (instance.job_name, instance.host) == (job_name, host) and self._is_alive(instance):
                self._reports[instance] = list(reports)

    def lose(self, instance: Instance) -> None:
        """As a kill -9 of the agent does: the last report stays, and nobody is alive."""
        last = self._reports[instance][0]
        self._reports[instance] = [replace(last, alive=False)]

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
        if instance not in self._reports:
            raise ServiceError(f"{instance.job_name} {instance.host} was never started")
        self.stopped.append(instance)
        if self._is_alive(instance):
            self._reports[instance] = [InstanceReport(Phase.STOPPED, alive=False)]

    def kill(self, instance: Instance) -> None:
        self.killed.append(instance)
        if instance in self._reports and self._is_alive(instance):
            self.lose(instance)

    @property
    def alive(self) -> list[Instance]:
        return [instance for instance in self._reports if self._is_alive(instance)]

    def _is_alive(self, instance: Instance) -> bool:
        report = self._reports[instance][0]
        return report.alive and not STATUS_OF[report.phase].is_final
