"""From a container definition to a folder from which replicas start.

Fetched, unpacked, its engine chosen, its packages installed.
"""

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract import virtual_environment
from naiad.service.contract.model_data import fetch_model
from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.serving.engine_table_store import keep_table, table_uri
from naiad.service.endpoints.serving.threads import in_thread
from naiad.service.endpoints.worker.model_kind import model_kind
from naiad.service.walls.sandbox import make_sandbox

_LOG = logging.getLogger(__name__)
_PROBE = "naiad.service.endpoints.worker.engine_benchmark"
_PROBE_WITHIN_S = 120.0
_MEASURED_WITHIN_S = 300.0
_INSTALL_WITHIN_S = 1800.0
_PORT = "NAIAD_REPLICA_PORT"
_WORKERS = "SAGEMAKER_MODEL_SERVER_WORKERS"
_MOST_WORKERS = 256
_HOST = "model"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """What every replica of a variant has in common."""

    folder: Path
    """``ml`` in it is what a replica finds at /opt/ml."""
    kind: str
    """artifact, script or program."""
    engine: str | None
    most_samples: int
    environment: Mapping[str, str]
    has_packages: bool
    """Whether it has an interpreter of its own, with what its requirements.txt names."""
    port: int | None = None
    """Of their own, where the model's environment asks for one."""
    workers: int | None = None
    """Replicas an instance, where the model's environment says."""
    table_uri: str | None = None
    """Of what the engines were measured at, in the store."""


@dataclass(frozen=True)
class Preparer:
    """Blocks, but for ``measure_rest``: for a thread."""

    blobs: BlobStore
    state_folder: Path

    def prepare(self, container: Mapping[str, Any], folder: Path, say: Say) -> Prepared:
        """``folder`` is made, or made anew. Raises ServiceError with a reason for the one who deploys."""
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("ml/code", "tmp", "work"):
            (folder / name).mkdir(mode=0o700, parents=True)
        model = folder / "ml" / "model"
        fetch_model(self.blobs, container, model)
        environment = dict(container.get("Environment", {}))
        kind = str(model_kind(model))
        prepared = Prepared(
            folder,
            kind,
            engine=None,
            most_samples=1,
            environment=environment,
            has_packages=self._install(folder, environment, say) if kind != "artifact" else False,
            port=_number(environment, _PORT, highest=65_535),
            workers=_number(environment, _WORKERS, highest=_MOST_WORKERS),
            table_uri=table_uri(container),
        )
        return self._with_engine(prepared, say) if kind == "artifact" else prepared

    def _with_engine(self, prepared: Prepared, say: Say) -> Prepared:
        from naiad.service.endpoints.worker.engine_table import format_table, write_table  # noqa: PLC0415

        table = self._probed(prepared)
        for line in format_table(table):
            say(line)
        write_table(prepared.folder / "ml" / "model", table)
        keep_table(self.blobs, prepared.table_uri, table)
        if table.get("chosen") is None:
            raise Invalid(f"no engine runs the artifact: {table.get('reason', 'see the log')}")
        return replace(prepared, engine=table["chosen"], most_samples=int(table["max_batch_size"]))

    def _probed(self, prepared: Prepared) -> dict[str, Any]:
        words = (sys.executable, "-m", _PROBE, "MODEL", "--skip-slow")
        text = self._run(prepared.folder, words, prepared.environment, within_s=_PROBE_WITHIN_S, say=None)
        table: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
        return table

    async def measure_rest(self, prepared: Prepared, say: Say) -> None:
        """The engines that the deployment did not wait for: their rows are added to the table, and the whole is told again.

        For the loop's thread; what is being measured ends when this is cancelled. Raises OSError when the folder is gone.
        """
        from naiad.service.endpoints.worker.engine_table import add_row, format_table, read_table, write_table  # noqa: PLC0415

        model = prepared.folder / "ml" / "model"
        table = read_table(model)
        rest = table.get("unmeasured", [])
        for name in rest:
            table = add_row(table, await self._measured_alone(prepared, name))
            write_table(model, table)
        if not rest:
            return
        for line in format_table(table):
            say(line)
        await in_thread(lambda: keep_table(self.blobs, prepared.table_uri, table))

    async def _measured_alone(self, prepared: Prepared, engine: str) -> dict[str, Any]:
        """Its row, with what others leave of the processor."""
        from naiad.service.endpoints.worker.engine_table import failure_row  # noqa: PLC0415

        words = ("nice", "-n", "19", sys.executable, "-m", _PROBE, "MODEL", "--engine", engine)
        command, variables = await in_thread(lambda: self._command(prepared.folder, words, prepared.environment))
        none, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, env=variables, stdin=none, stdout=pipe, stderr=none)
        try:
            async with asyncio.timeout(_MEASURED_WITHIN_S):
                out, _ = await process.communicate()
            row: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
        except TimeoutError:
            return failure_row(engine, f"it was not measured within {_MEASURED_WITHIN_S:g} s")
        except (ValueError, IndexError):
            return failure_row(engine, f"its process ended with status {process.returncode}")
        else:
            return row
        finally:
            if process.returncode is None:
                process.kill()

    def _install(self, folder: Path, environment: Mapping[str, str], say: Say) -> bool:
        requirements = folder / "ml" / "model" / "code" / "requirements.txt"
        if not requirements.is_file():
            return False
        virtual_environment.create_virtual_environment(folder / "ml")
        words = ("python", "-m", "pip", "install", "--disable-pip-version-check", "-r", "MODEL/code/requirements.txt")
        self._run(folder, words, environment, within_s=_INSTALL_WITHIN_S, say=say)
        return True

    def _run(
        self,
        folder: Path,
        words: Sequence[str],
        environment: Mapping[str, str],
        *,
        within_s: float,
        say: Say | None,
    ) -> str:
        """The stdout of a program within the walls; MODEL in its words is the model's folder. Raises Invalid when it fails."""
        command, variables = self._command(folder, words, environment)
        try:
            ended = subprocess.run(  # noqa: S603  # reason: within the walls
                command,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=within_s,
                check=False,
                errors="replace",
            )
        except subprocess.TimeoutExpired as error:
            raise Invalid(f"{' '.join(words[:4])} took longer than {within_s:g} s") from error
        if say is not None:
            for line in (*ended.stdout.splitlines(), *ended.stderr.splitlines()):
                say(line)
        if ended.returncode != 0:
            last = (ended.stderr.strip() or ended.stdout.strip() or "no word").splitlines()[-1]
            raise Invalid(f"{' '.join(words[:4])} failed: {last[:500]}")
        return ended.stdout

    def _command(
        self, folder: Path, words: Sequence[str], environment: Mapping[str, str]
    ) -> tuple[Sequence[str], Mapping[str, str]]:
        """Of a program within the walls, and its variables."""
        sandbox = make_sandbox(folder, self.state_folder, host=_HOST, hosts=(_HOST,))
        model = str(sandbox.root / "model")
        given = [word.replace("MODEL", model) for word in words]
        return sandbox.wrap(given, variables_of(sandbox.root, environment))


def variables_of(root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Clean: nothing of the server's own is in it but where pip finds packages."""
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    pip = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE")
    return {
        **virtual_environment.environment_variables(root),
        "HOME": "/tmp",  # noqa: S108  # reason: the program's own
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "SM_MODEL_DIR": str(root / "model"),
        **dict.fromkeys(threads, "1"),
        **{name: os.environ[name] for name in pip if name in os.environ},
        **environment,
    }


def _number(environment: Mapping[str, str], name: str, *, highest: int) -> int | None:
    if name not in environment:
        return None
    text = environment[name]
    if not text.isdecimal() or not 1 <= int(text[:9]) <= highest:
        raise Invalid(f"Environment's {name} is {text!r}: give a whole number from 1 to {highest}")
    return int(text)
