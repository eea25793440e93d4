"""A run of ``naiad train`` whose n-th write fails, and whether the run resumed after it ends like an undisturbed one.

python tests/support/faulty_training.py FOLDER [--errno ENOSPC] [--sticky] [--at 1,2,3] [--step 1]

Runs with the library of ``write_faults`` loaded. Forks a process for each write, and prints a line of JSON for each: the write
that failed, the exit status, and the problems that were found.
"""

import argparse
import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

import safetensors.torch  # noqa: F401  # reason: loaded once, before the forks
from write_faults import COUNT_ONLY, ERRNOS, WriteFaults

import naiad.trainer.fit
from naiad.cli.main import main as run_naiad

COMMAND = (
    "train",
    "mlp",
    "digits",
    "--epochs",
    "1",
    "--no-report",
    "--set",
    "checkpoint_steps=8",
    "--set",
    "threads=1",
)
MODEL = "model.safetensors"


def run_training(out: Path, output: Path, *options: str) -> int:
    """Runs the command in a fork, and returns its exit status. ``output`` gets what it prints."""
    pid = os.fork()
    if pid == 0:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        status = 70
        try:
            status = run_naiad([*COMMAND, "--out", str(out), *options])
            sys.stdout.flush()
        except BaseException:  # noqa: BLE001  # reason: the edge of the forked process
            traceback.print_exc()
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def message_problems(status: int, text: str) -> list[str]:
    """Returns what is wrong with the end of a run: it has one clear message, or has done everything."""
    errors = [line for line in text.splitlines() if line.startswith("error:")]
    problems = [] if status in (0, 1, 2) else [f"exit status {status}"]
    if status and len(errors) != 1:
        problems.append(f"{len(errors)} messages: {text[-2000:]}")
    if "Traceback" in text or "unexpected" in text:
        problems.append(f"no clear message: {text[-2000:]}")
    return problems


def run(faults: WriteFaults, folder: Path, at: int, number: int, *, sticky: bool) -> dict[str, Any]:
    out, output = folder / "out", folder / "output"
    shutil.rmtree(out, ignore_errors=True)
    faults.arm(out, at, number, sticky=sticky)
    status = run_training(out, output)
    text = output.read_text(encoding="utf-8")
    problems = message_problems(status, text) if at > 0 else []
    found = {"at": at, "count": faults.count, "write": faults.first_failed, "status": status}
    faults.disarm()
    resumed = run_training(out, output, *(["--resume"] if out.exists() else []))
    if resumed != 0:
        problems.append(f"resumed: {output.read_text(encoding='utf-8')[-2000:]}")
    elif (out / MODEL).read_bytes() != (folder / "reference" / MODEL).read_bytes():
        problems.append("the resumed run has other weights")
    message = next((line for line in text.splitlines() if line.startswith("error:")), "")
    return {**found, "message": message, "problems": problems}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=lambda text: Path(text).resolve())
    parser.add_argument("--errno", choices=ERRNOS, default="ENOSPC")
    parser.add_argument("--sticky", action="store_true")
    parser.add_argument("--at", type=lambda text: [int(number) for number in text.split(",")])
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args()
    assert naiad.trainer.fit
    faults = WriteFaults(Path(os.environ["NAIAD_FAULTS"]))
    status = run_training(options.folder / "reference", options.folder / "output")
    assert status == 0, (options.folder / "output").read_text(encoding="utf-8")
    counted = run(faults, options.folder, COUNT_ONLY, 0, sticky=False)
    print(json.dumps(counted), flush=True)
    for at in options.at or range(1, counted["count"] + 1, options.step):
        found = run(faults, options.folder, at, ERRNOS[options.errno], sticky=options.sticky)
        print(json.dumps(found), flush=True)
        if not found["write"]:  # there are fewer writes than were counted, as fewer need room
            break


if __name__ == "__main__":
    sys.exit(main())
