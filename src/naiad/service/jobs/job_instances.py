"""The instances of a job, through the executor: starts, watches, stops and kills them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from naiad.service.domain.errors import ServiceError
from naiad.service.domain.job import Job
from naiad.service.executors.port import Executor, Instance, InstanceReport, InstanceSpec
from naiad.service.jobs.layout import control_group_name, job_instances
from naiad.service.jobs.pause import seconds_before_pauses
from naiad.service.jobs.scheduler import Placement
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.program_settings import DEFAULT_PROGRAMS, ProgramSettings


@dataclass
class JobInstances:
    executor: Executor
    state_folder: Path
    blobs_url: str
    endpoint_url: str
    """The URL of the gateway, for the programs."""
    programs: ProgramSettings = DEFAULT_PROGRAMS

    def start(self, job: Job, placement: Placement, instances: Sequence[Instance]) -> None:
        """Raises ServiceError or OSError when one of them cannot be started: then nothing of the job runs."""
        try:
            for instance in instances:
                self.executor.start(self._spec(job, placement, instance))
        except (ServiceError, OSError):
            self.kill(job_instances(self.state_folder, job))
            raise

    def reports(self, job: Job) -> dict[Instance, InstanceReport | None]:
        return {instance: self._report(instance) for instance in job_instances(self.state_folder, job)}

    def stop(self, instances: Iterable[Instance]) -> None:
        for instance in instances:
            self.executor.stop(instance)

    def kill(self, instances: Iterable[Instance]) -> None:
        """Makes sure that nothing of the instances runs any more. An agent that does not answer may still run.

        An agent that was killed has left its program's control group. Nothing else ever has a group of that name.
        """
        for instance in instances:
            self.executor.kill(instance)
            ControlGroup.find(control_group_name(instance.folder)).remove()

    def _report(self, instance: Instance) -> InstanceReport | None:
        """Returns the report. A dead agent may have ended well after its report was read, so that is read again."""
        report = self.executor.report(instance)
        if report is not None and not report.alive:
            return self.executor.report(instance)
        return report

    def _spec(self, job: Job, placement: Placement, instance: Instance) -> InstanceSpec:
        allocation = placement.allocations[instance.index]
        return InstanceSpec(
            instance=instance,
            arn=job.arn,
            request=job.request,
            hosts=tuple(member.host for member in job_instances(self.state_folder, job)),
            cpus=allocation.cpus,
            memory_bytes=placement.memory_bytes,
            region=job.region,
            endpoint_url=self.endpoint_url,
            access_key=job.access_key,
            secret_key=job.secret_key,
            blobs_url=self.blobs_url,
            cache_folder=self.state_folder / "cache",
            gpus=allocation.gpus,
            run_as_root=self.programs.run_as_root,
            network=self.programs.network,
            creator=job.creator,
            seconds_before=seconds_before_pauses(job),
        )
