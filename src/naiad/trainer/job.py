"""``python -m naiad.trainer.job``: the trainer as the program of a job, under the container contract.

Data and options come from the SM_ variables. Checkpoints go where the contract keeps them, so that a restarted job continues.
The artifact ends in the model's folder. The instances of a job train together. Knows nothing of the service.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from naiad.errors import InputError, NaiadError, OptionError, TrainingPaused, TrainingStopped
from naiad.trainer.fit import fit_with_options
from naiad.trainer.fit_options import FitOptions
from naiad.trainer.hyperparameters import check_names, from_hyperparameters
from naiad.trainer.job_pause import PAUSED_STATUS, JobPauses
from naiad.trainer.loop.progress import LineProgress
from naiad.trainer.machine import processes
from naiad.trainer.option_text import parse_net

_DATA_CHANNELS = ("train", "training")
_RUN_FOLDER = "naiad-run"
_RUN_FILES = ("checkpoints", "run.json")
"""Files that a run needs to continue; they are no part of the artifact."""


def main() -> int:
    """Returns 0 when done or stopped, 1 when failed, 2 for unusable input, 75 when paused as a trial of a tuning job.

    Writes the reason of a failure into the contract's failure file.
    """
    os.environ.update(rendezvous_variables(os.environ))
    hyperparameters: dict[str, Any] = json.loads(os.environ.get("SM_HPS", "{}"))
    run = Path(os.environ["SM_CHECKPOINT_DIR"]) / _RUN_FOLDER
    try:
        net, data, options = read_fit_arguments(hyperparameters, os.environ)
        pauses = JobPauses.read(hyperparameters, os.environ)
        options = replace(options, out=run, resume=run.exists(), plan=pauses.with_restarts(options.plan))
        progress = LineProgress(sys.stdout)
        model = fit_with_options(net, data, options, progress=progress, pause_at_epochs=pauses.pending)
    except TrainingPaused as paused:
        pauses.write(paused.epoch, paused.scores)
        _print_line(paused)
        return PAUSED_STATUS
    except TrainingStopped as stopped:
        _print_line(stopped)
        return 0
    except NaiadError as error:
        hint = f"; {error.hint}" if error.hint is not None else ""
        _print_line(f"error: {error}{hint}")
        Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text(
            f"{error}{hint}", encoding="utf-8", errors="backslashreplace"
        )
        return 2 if isinstance(error, InputError) else 1
    if not processes.is_rank_zero():
        return 0
    publish_artifact(run, Path(os.environ["SM_MODEL_DIR"]))
    _print_line(json.dumps({"evaluations": {split: scores["metrics"] for split, scores in model.evaluations.items()}}))
    return 0


def rendezvous_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns torch.distributed's variables for a job of several instances, of which the first host is rank 0; else none."""
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


def read_fit_arguments(
    hyperparameters: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[str | None, Any, FitOptions]:
    """Returns the network, the data and the options of ``fit``. Raises OptionError for a hyperparameter that it does not have."""
    check_names(hyperparameters)
    names = json.loads(environment.get("SM_CHANNELS", "[]"))
    channels = {name: environment[f"SM_CHANNEL_{name.upper()}"] for name in names}
    data = next((channels[name] for name in _DATA_CHANNELS if name in channels), hyperparameters.get("data"))
    if data is None:
        raise OptionError("there is no data", hint="give a channel called train, or the hyperparameter data")
    if "test" in channels:
        data = {"train": data, "test": channels["test"]}
    net = hyperparameters.get("net")
    if isinstance(net, str) and ".py:" in net:
        net = str(Path(channels.get("code", "code"), net))
    validation = channels.get("validation", hyperparameters.get("validation"))
    return parse_net(net), data, from_hyperparameters(hyperparameters, validation=validation)


def publish_artifact(run: Path, model: Path) -> None:
    """Copies the artifact from the run's folder, without what the run needed to continue."""
    for path in run.iterdir():
        if path.name in _RUN_FILES:
            continue
        if path.is_dir():
            shutil.copytree(path, model / path.name, dirs_exist_ok=True)
        else:
            shutil.copy2(path, model / path.name)


def _print_line(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
