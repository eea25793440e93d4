"""Fails each write of a server and of a training, one after another, and counts what was lost, did not start or was not deleted.

python benchmarks/disk_faults.py [--step 1] [--without-job]

The writes are failed by a library that is compiled here (tests/support/write_faults.c): each with ENOSPC and with EIO, once and
from then on. A server starts on a folder that was served before, a client stores, joins, deletes and runs a job, the server is
ended or killed, and another one must start, list, read what was acknowledged, and delete all of it. A training must end with one
message, and go on to the same weights.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from log import log_row

SUPPORT = Path(__file__).parents[1] / "tests" / "support"
sys.path.append(str(SUPPORT))

import write_faults  # noqa: E402  # reason: it lies in another folder

GOAL = "0"


def run(library: Path, program: str, *options: str) -> list[dict[str, Any]]:
    """Returns what was found for each write. Prints each problem."""
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as folder:
        control, state = Path(folder) / "control", Path(folder) / "state"
        state.mkdir()
        write_faults.WriteFaults.make(control).close()
        environment = write_faults.environment(library, control) | {
            "PYTHONPATH": os.pathsep.join((str(SUPPORT), os.environ.get("PYTHONPATH", ""))),
            "XDG_CACHE_HOME": str(Path(folder) / "cache"),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, str(SUPPORT / program), str(state), *options]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            found = [json.loads(line) for line in process.stdout or () if print(line, end="", flush=True) is None]
        if process.returncode != 0:
            raise SystemExit(f"{program} ended with {process.returncode}")
    return found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, default=1, help="fail every n-th write only")
    parser.add_argument("--without-job", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="naiad-bench-") as folder:
        library = write_faults.compile_shim(Path(folder))
        for subject, program in (("the server", "faulty_server.py"), ("naiad train", "faulty_training.py")):
            more = ["--with-job"] if program == "faulty_server.py" and not options.without_job else []
            for number in write_faults.ERRNOS:
                for sticky in ([], ["--sticky"]):
                    found = run(library, program, "--errno", number, "--step", str(options.step), *sticky, *more)
                    met = [one for one in found if one["write"]]
                    faulty = [one for one in met if one["problems"]]
                    kinds = len({one["write"].split()[0] for one in met})
                    how = "from one write on" if sticky else "once"
                    claim = f"{number} {how} at a write of {subject}: not started, lost or not deleted"
                    note = f"of {len(met)} writes, {kinds} kinds of calls"
                    rows.append(
                        log_row(
                            claim, [float(len(faulty))], unit="writes", goal=GOAL, script="disk_faults.py", note=note
                        )
                    )
    print("\n".join(rows))


if __name__ == "__main__":
    main()
