"""A pre-flight of a job, in the client's process, before anything of the job is uploaded or queued.

Local data need not be uploaded to be refused, a server needs no torch and no free cores for it, and an error is the trainer's own
exception. The pre-flight runs what the job would run: the hyperparameters as text, read by the job's own reader, and the network
made again from the source that is sent. ``s3://`` data is sampled (see ``data_sample.py``); the name of a data set is opened
on this machine. All files are in a temporary folder that is deleted after the call.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from naiad.client.data_sample import download_sample, sample_folder
from naiad.client.job_input import JobInput
from naiad.errors import DataError


def preflight(job_input: JobInput, store: Any) -> None:
    """Raises what the trainer would raise. ``store``: a boto3 client of S3."""
    from naiad.trainer import preflight as trainer  # noqa: PLC0415  # reason: torch, which other calls do not need
    from naiad.trainer.job import read_fit_arguments  # noqa: PLC0415  # reason: as above

    with tempfile.TemporaryDirectory(prefix="naiad-preflight-") as name, _forget_imports_of(Path(name)):
        scratch, network = Path(name), job_input.network
        paths = {
            channel: _local_path(source, store, scratch / channel) for channel, source in job_input.channels.items()
        }
        if network.source_file is not None:
            paths["code"] = _write_source(network.source_file, network.source, scratch / "code")
        environment = {"SM_CHANNELS": json.dumps(list(paths))}
        environment |= {f"SM_CHANNEL_{channel.upper()}": str(path) for channel, path in paths.items()}
        hyperparameters = {key: _parse_json(text) for key, text in job_input.hyperparameters.items()}
        net, data, options = read_fit_arguments(hyperparameters, environment)
        trainer.preflight(net, data, options)


def _local_path(source: str | Path, store: Any, target: Path) -> Path:
    if isinstance(source, str) and source.startswith("s3://"):
        target.mkdir()
        return download_sample(store, source, target)
    path = Path(source).expanduser()
    if not path.exists():
        raise DataError(f"{path} does not exist", hint="give a path that exists, an s3:// URI or a name")
    return sample_folder(path, target) if path.is_dir() else path


def _write_source(file: str, source: bytes, folder: Path) -> Path:
    folder.mkdir()
    (folder / file).write_bytes(source)
    return folder


@contextmanager
def _forget_imports_of(folder: Path) -> Iterator[None]:
    """Removes the modules that were imported from the folder, which will not exist any more."""
    from naiad.trainer.nets.network_file import MODULE_PREFIX  # noqa: PLC0415  # reason: torch, as above

    try:
        yield
    finally:
        parent = str(folder.resolve())
        for name, module in list(sys.modules.items()):
            if name.startswith(MODULE_PREFIX) and str(getattr(module, "__file__", "")).startswith(parent):
                del sys.modules[name]


def _parse_json(text: str) -> Any:
    """Returns the value of JSON, or the text of what is not JSON, as the container contract does."""
    try:
        return json.loads(text)
    except ValueError:
        return text
