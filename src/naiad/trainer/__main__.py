"""``python -m naiad.trainer NET DATA [options]``: one training run as a process of its own, for jobs.

Lines on stderr, the result as JSON on stdout; exit status 0 done or stopped on request, 1 failed, 2 unusable input.
Started by torchrun, the processes train together, and the first one tells.
"""

import argparse
import json
import sys
from collections.abc import Sequence

import naiad
from naiad.errors import InputError, NaiadError, Stopped
from naiad.trainer import arguments
from naiad.trainer.loop.progress import Lines
from naiad.trainer.machine import processes


def main(given: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(given)
    try:
        model = naiad.fit(
            None if options.net == "auto" else options.net,
            options.data,
            validation=options.validation,
            epochs=options.epochs,
            time_limit_s=arguments.duration_s(options.time_limit),
            plan=arguments.plan_given(options.plan, options.choices),
            seed=options.seed,
            out=options.out,
            resume=options.resume,
            task=options.task,
            label=options.label,
            image_size=arguments.image_size(options.image_size),
            report=options.report,
            progress=Lines(sys.stderr),
        )
    except NaiadError as error:
        return _told(error)
    if processes.writes():
        sys.stdout.write(json.dumps({"evaluations": model.evaluations, "artifact": options.out}) + "\n")
    return 0


def _told(error: NaiadError) -> int:
    hint = f"\n\nhint: {error.hint}" if error.hint is not None else ""
    stopped = isinstance(error, Stopped)
    sys.stderr.write(f"{'' if stopped else 'error: '}{error}{hint}\n")
    if stopped:
        return 0
    return 2 if isinstance(error, InputError) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m naiad.trainer", allow_abbrev=False)
    parser.add_argument("net", metavar="NET")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("--validation", metavar="DATA")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--time-limit", metavar="60s|5m|1h")
    parser.add_argument("--set", dest="choices", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--plan", metavar="FILE")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--out", metavar="DIR")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--task")
    parser.add_argument("--label", metavar="COLUMN")
    parser.add_argument("--image-size", metavar="N|HxW")
    parser.add_argument("--no-report", dest="report", action="store_false")
    return parser


if __name__ == "__main__":
    sys.exit(main())
