"""A pre-flight of a job, here, before anything of it is uploaded or queued.

It runs in the client's process and not on the server: data on this disk need not be uploaded to be refused, a server needs no
torch and lends nobody cores past its queue, and an error comes back as the trainer's own exception. What is run is what the
job would run: the hyperparameters as text, read by the job's own reader, and the network made again from the source that is
sent. ``s3://`` data is sampled (see ``sample.py``), a data set's name is opened where the client is. Everything is in a
temporary folder that goes with the call.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from naiad.client.network import SentNetwork
from naiad.client.sample import fetched_sample, sampled_folder
from naiad.errors import DataError


def preflight(
    hyperparameters: Mapping[str, str], channels: Mapping[str, str | Path], network: SentNetwork, store: Any
) -> None:
    """Raises what the trainer would raise. ``channels``: s3:// URIs and paths by name; ``store``: a client of S3."""
    from naiad.trainer.job import fit_arguments  # noqa: PLC0415  # reason: torch, which other calls do not need
    from naiad.trainer.preflight import preflight as fly  # noqa: PLC0415  # reason: as above

    with tempfile.TemporaryDirectory(prefix="naiad-preflight-") as made, _imports_forgotten(Path(made)):
        places = {name: _here(source, store, Path(made) / name) for name, source in channels.items()}
        if network.file is not None:
            places["code"] = _written(network, Path(made) / "code")
        environment = {"SM_CHANNELS": json.dumps(list(places))}
        environment |= {f"SM_CHANNEL_{name.upper()}": str(place) for name, place in places.items()}
        given = {name: _value(text) for name, text in hyperparameters.items()}
        arguments = fit_arguments(given, environment)
        arguments.pop("report")
        fly(**arguments)


def _here(source: str | Path, store: Any, target: Path) -> Path:
    if isinstance(source, str) and source.startswith("s3://"):
        target.mkdir()
        return fetched_sample(store, source, target)
    place = Path(source).expanduser()
    if not place.exists():
        raise DataError(f"{place} does not exist", hint="give a path that exists, an s3:// URI or a name")
    return sampled_folder(place, target) if place.is_dir() else place


def _written(network: SentNetwork, folder: Path) -> Path:
    assert network.file is not None
    folder.mkdir()
    (folder / network.file).write_bytes(network.source)
    return folder


@contextmanager
def _imports_forgotten(folder: Path) -> Iterator[None]:
    """A network's file is imported under a name of its own; that name goes with the folder."""
    try:
        yield
    finally:
        below = str(folder.resolve())
        for name, module in list(sys.modules.items()):
            if name.startswith("_naiad_network_") and str(getattr(module, "__file__", "")).startswith(below):
                del sys.modules[name]


def _value(text: str) -> Any:
    """As the container contract has it: JSON where it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
