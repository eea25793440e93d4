"""Rows of ``naiad doctor`` about memory, tasks and cores, with groups like those of several machines."""

from typing import Any

import pytest

from naiad.cli import wall_checks
from naiad.cli.wall_checks import run_wall_checks
from naiad.service.walls.support import WallSupport
from naiad.trainer.doctor import CheckState


class Group:
    """A group that can be removed, and that holds cores or not."""

    def __init__(self, *, has_cores: bool) -> None:
        self.has_cores, self.is_removed = has_cores, False

    def remove(self) -> None:
        self.is_removed = True


def rows(monkeypatch: pytest.MonkeyPatch, group: Group | None) -> dict[str, tuple[CheckState, str]]:
    """Returns the rows about resources on a machine where ``group`` is what can be made."""

    def make(name: str, *, memory_bytes: int, tasks: int, cpus: tuple[int, ...]) -> Any:
        assert name.startswith("naiad-doctor-")
        assert min(memory_bytes, tasks, len(cpus)) > 0
        return group

    support = WallSupport(has_namespaces=True, user_id=None, gaps=())
    monkeypatch.setattr(wall_checks, "find_wall_support", lambda: support)
    monkeypatch.setattr("naiad.service.walls.support._has_network", lambda _: False)
    monkeypatch.setattr(wall_checks.ControlGroup, "make", make)
    checks = {check.topic: (check.state, check.found) for check in run_wall_checks()}
    return {topic: checks[topic] for topic in ("walls: memory", "walls: cores")}


def test_groups_that_hold_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(has_cores=True)
    assert rows(monkeypatch, group) == {
        "walls: memory": (CheckState.OK, "control groups hold programs to their memory and tasks"),
        "walls: cores": (CheckState.OK, "control groups hold programs to their cores"),
    }
    assert group.is_removed


def test_groups_that_hold_no_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group(has_cores=False)
    found = rows(monkeypatch, group)
    assert found["walls: memory"][0] is CheckState.OK
    assert found["walls: cores"] == (CheckState.LOW, "programs are pinned to their cores, and could leave them")
    assert group.is_removed


def test_no_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rows(monkeypatch, None)
    assert found["walls: memory"] == (
        CheckState.LOW,
        "programs are measured twice a second; no control group can be made",
    )
    assert found["walls: cores"][0] is CheckState.LOW


def test_this_machine_has_a_row_for_each() -> None:
    topics = [check.topic for check in run_wall_checks()]
    assert "walls" in topics
    assert ("walls: memory" in topics) == ("walls: cores" in topics)
