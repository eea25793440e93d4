"""``python -m naiad.trainer.job``: the trainer as the program of a job, under the container contract.

Data and arguments come from the SM_ variables; checkpoints go where the contract keeps them, so that a restarted job goes on; the
artifact ends in the model's folder. The instances of a job train together. Knows nothing of the service.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import naiad
from naiad.errors import InputError, NaiadError, OptionError, Stopped, nearest
from naiad.trainer import arguments
from naiad.trainer.loop.progress import Lines
from naiad.trainer.machine import processes

_OWN = ("net", "data", "validation", "epochs", "time_limit", "seed", "task", "label", "image_size", "report")
_PLAN = "plan."
_DATA_CHANNELS = ("train", "training")
_RUN = "naiad-run"


def main() -> int:
    """Exit status 0 done or stopped, 1 failed, 2 unusable input; the reason goes into the contract's failure file."""
    os.environ.update(meeting(os.environ))
    given: dict[str, Any] = json.loads(os.environ.get("SM_HPS", "{}"))
    run = Path(os.environ["SM_CHECKPOINT_DIR"]) / _RUN
    try:
        model = naiad.fit(**fit_arguments(given, os.environ), out=run, resume=True, progress=Lines(sys.stdout))
    except Stopped as stopped:
        _say(stopped)
        return 0
    except NaiadError as error:
        hint = f"; {error.hint}" if error.hint is not None else ""
        _say(f"error: {error}{hint}")
        Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text(f"{error}{hint}", encoding="utf-8")
        return 2 if isinstance(error, InputError) else 1
    if not processes.writes():
        return 0
    publish(run, Path(os.environ["SM_MODEL_DIR"]))
    _say(json.dumps({"evaluations": {name: found["metrics"] for name, found in model.evaluations.items()}}))
    return 0


def meeting(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables by which a job's instances find each other, the first host being the first process; none for a job of one."""
    hosts = json.loads(environment.get("SM_HOSTS", "[]"))
    if len(hosts) <= 1:
        return {}
    network = environment.get("SM_NETWORK_INTERFACE_NAME")
    return {
        "WORLD_SIZE": str(len(hosts)),
        "RANK": str(hosts.index(environment["SM_CURRENT_HOST"])),
        "MASTER_ADDR": hosts[0],
        "MASTER_PORT": environment["SM_MASTER_PORT"],
        **({} if network is None else {"GLOO_SOCKET_IFNAME": network, "NCCL_SOCKET_IFNAME": network}),
    }


def fit_arguments(given: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """What ``naiad.fit`` is called with. Raises OptionError for a hyperparameter that it does not have."""
    for name in given:
        if name not in _OWN and not name.startswith(_PLAN):
            raise OptionError(
                f"{name!r} is no hyperparameter of Naiad's trainer", hint=nearest(name, (*_OWN, "plan.batch_size"))
            )
    channels = {
        name: environment[f"SM_CHANNEL_{name.upper()}"] for name in json.loads(environment.get("SM_CHANNELS", "[]"))
    }
    data = next((channels[name] for name in _DATA_CHANNELS if name in channels), given.get("data"))
    if data is None:
        raise OptionError("there is no data", hint="give a channel called train, or the hyperparameter data")
    if "test" in channels:
        data = {"train": data, "test": channels["test"]}
    net = given.get("net")
    if isinstance(net, str) and ".py:" in net:
        net = str(Path(channels.get("code", "code"), net))
    text = {name: str(given[name]) for name in ("time_limit", "image_size") if name in given}
    return {
        "net": None if net in (None, "auto") else net,
        "data": data,
        "validation": channels.get("validation", given.get("validation")),
        "epochs": given.get("epochs"),
        "time_limit_s": arguments.duration_s(text.get("time_limit")),
        "plan": {name.removeprefix(_PLAN): value for name, value in given.items() if name.startswith(_PLAN)},
        "seed": given.get("seed", 0),
        "task": given.get("task"),
        "label": None if given.get("label") is None else str(given["label"]),
        "image_size": arguments.image_size(text.get("image_size")),
        "report": given.get("report", True) not in (False, "false", "no"),
    }


def publish(run: Path, model: Path) -> None:
    """The artifact without what the run needed to go on."""
    for path in run.iterdir():
        if path.name in ("checkpoints", "run.json"):
            continue
        if path.is_dir():
            shutil.copytree(path, model / path.name, dirs_exist_ok=True)
        else:
            shutil.copy2(path, model / path.name)


def _say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
