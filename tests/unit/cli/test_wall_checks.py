"""The row of ``naiad doctor`` on programs' networks: each tool is tried, and the row names those that work."""

import pytest
from network_programs import TOOL_NAMES, chosen_tool

from naiad.cli import wall_checks
from naiad.service.walls.internet_tools import PASTA
from naiad.service.walls.support import find_wall_support
from naiad.trainer.doctor import Check, CheckState

pytestmark = pytest.mark.skipif(not find_wall_support().has_network, reason="networks of programs' own are not allowed")


def network_row() -> Check:
    (row,) = (check for check in wall_checks.run_wall_checks() if check.topic == "walls: network")
    return row


@pytest.mark.parametrize("name", TOOL_NAMES)
def test_the_row_names_a_tool_that_works(name: str) -> None:
    chosen_tool(name)
    row = network_row()
    assert row.state is CheckState.OK
    assert row.found.startswith("programs have their own, with the internet (")
    assert f"{name} works" in row.found


@pytest.mark.parametrize(
    ("installed", "state", "found", "hint"),
    [
        (
            (),
            CheckState.LOW,
            "only isolated programs have their own; others share this machine's "
            "(pasta fails: broken; slirp4netns fails: broken)",
            "apt-get install passt",
        ),
        (
            (PASTA,),
            CheckState.LOW,
            "programs have their own, without the internet (pasta fails: broken; slirp4netns fails: broken)",
            None,
        ),
    ],
)
def test_the_row_says_why_none_works(
    monkeypatch: pytest.MonkeyPatch, installed: tuple[object, ...], state: CheckState, found: str, hint: str | None
) -> None:
    monkeypatch.setattr(wall_checks, "try_tool", lambda name, *, has_user_namespace: "broken")
    monkeypatch.setattr(wall_checks, "installed_internet_tools", lambda: installed)
    assert network_row() == Check("walls: network", state, found, hint)
