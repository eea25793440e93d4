"""Runs histories of random kills, and counts the states that no model of the acknowledged requests allows.

python benchmarks/kill_histories.py [--histories 1000] [--seed 0] [--with-postgres]

The server, agents of jobs, replicas of an endpoint and, with ``--with-postgres``, a PostgreSQL are killed while clients store and
join objects, change experiments, run jobs, and move an endpoint between two models. The model of what was acknowledged is in
tests/support/acknowledged_history.py.
"""

import argparse
import contextlib
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from log import log_row

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "support"))

from kill_runs import KillReport, run_histories  # noqa: E402  # reason: it lies in another folder

SHARES = {"servers and agents": 0.6, "replicas, too": 0.4}
"""The parts of the histories, without PostgreSQL; with it, a fifth runs on one."""
POSTGRES_SHARE = 0.2


@contextlib.contextmanager
def postgres() -> Iterator[Any]:
    """Yields a PostgreSQL of its own, as the tests have it."""
    spec = importlib.util.spec_from_file_location("tests_conftest", ROOT / "tests" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    conftest = importlib.util.module_from_spec(spec)
    sys.modules["tests_conftest"] = conftest
    spec.loader.exec_module(conftest)
    programs = conftest.programs()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    with (
        tempfile.TemporaryDirectory(prefix="naiad-pg-") as folder,
        conftest.running(programs, Path(folder), durable=True) as server,
    ):
        yield server


def show(report: KillReport) -> None:
    if report.histories % 20 == 0:
        print(report.histories, dict(report.kills), dict(report.counts), report.problems[-3:], flush=True)


def run(histories: int, seed: int, *, with_endpoint: bool = False, database: Any = None) -> KillReport:
    with tempfile.TemporaryDirectory(prefix="naiad-bench-", ignore_cleanup_errors=True) as folder:
        return run_histories(
            Path(folder), histories, seed=seed, with_endpoint=with_endpoint, postgres=database, on_history=show
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--with-postgres", action="store_true")
    options = parser.parse_args()
    on_postgres = round(options.histories * POSTGRES_SHARE) if options.with_postgres else 0
    counts = {name: round((options.histories - on_postgres) * share) for name, share in SHARES.items()}
    reports = {
        "servers and agents": run(counts["servers and agents"], options.seed),
        "replicas, too": run(counts["replicas, too"], options.seed + 1, with_endpoint=True),
    }
    if on_postgres:
        with postgres() as database:
            reports["PostgreSQL, too"] = run(on_postgres, options.seed + 2, database=database)
    for name, report in reports.items():
        for problem in report.problems:
            print(problem)
        claim = f"{report.histories:,} histories of random kills -9 ({name}): states that were not acknowledged"
        kills = ", ".join(f"{count} of {victim}" for victim, count in sorted(report.kills.items()))
        note = f"kills: {kills}; {dict(report.counts)}"
        print(
            log_row(
                claim, [float(len(report.problems))], unit="faults", goal="0", script="kill_histories.py", note=note
            )
        )


if __name__ == "__main__":
    main()
