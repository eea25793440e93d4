"""Thirty histories of random kills: what was acknowledged is there, and nothing else. A benchmark runs a thousand."""

from pathlib import Path
from typing import Any

import pytest
from kill_runs import KillReport, run_histories

pytestmark = pytest.mark.slow


def check(report: KillReport, *victims: str) -> None:
    assert report.problems == []
    assert report.counts["acknowledged"] > 5 * report.histories
    assert set(victims) <= set(report.kills), report.kills


def test_kills_of_servers_and_agents(tmp_path: Path) -> None:
    check(run_histories(tmp_path, 16, seed=1), "server", "agent")


def test_kills_of_replicas_beside_them(tmp_path: Path) -> None:
    check(run_histories(tmp_path, 6, seed=2, with_endpoint=True), "server", "replica")


def test_kills_of_a_postgres_beside_them(tmp_path: Path, postgres: Any) -> None:
    postgres.stop()
    durable = type(postgres)(postgres.url, postgres.folder, postgres.control, postgres.port, durable=True)
    durable.start()
    check(run_histories(tmp_path, 8, seed=3, postgres=durable), "server", "postgres")
