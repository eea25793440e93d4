"""Instances that lose their agents, with real agents and real programs."""

import signal
from pathlib import Path

from agent_runs import training_spec, wait_until
from bombs import HELD, skip_without

from naiad.service.compose import AGENT_COMMAND
from naiad.service.executors.instance_files import AGENT_FILE, PROGRAM_FILE, read_process
from naiad.service.executors.local import LocalExecutor
from naiad.service.jobs.job_instances import JobInstances
from naiad.service.jobs.layout import control_group_name
from naiad.service.walls.control_group import ControlGroup


def test_a_killed_agent_leaves_no_control_group(tmp_path: Path) -> None:
    skip_without(HELD)
    executor = LocalExecutor(AGENT_COMMAND)
    instances = JobInstances(executor, tmp_path, str(tmp_path / "blobs"), "http://127.0.0.1:1")
    lost, other = (training_spec(tmp_path, "import time; time.sleep(600)", name=name) for name in ("lost", "other"))
    try:
        for spec in (lost, other):
            executor.start(spec)
            wait_until((spec.instance.folder / PROGRAM_FILE).exists)
        agent = read_process(lost.instance.folder / AGENT_FILE)
        assert agent is not None
        agent.signal(signal.SIGKILL)
        wait_until(lambda: not agent.is_alive)
        assert ControlGroup.find(control_group_name(lost.instance.folder)).folders
        instances.kill([lost.instance])
        assert not ControlGroup.find(control_group_name(lost.instance.folder)).folders
        assert ControlGroup.find(control_group_name(other.instance.folder)).folders
    finally:
        instances.kill([lost.instance, other.instance])
