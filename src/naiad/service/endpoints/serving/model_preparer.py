"""Model preparer: makes the folder from which replicas start, from a container definition.

It fetches and unpacks the model, chooses an engine for an artifact, and installs packages for a model with code.
"""

import asyncio
import json
import logging
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract import virtual_environment
from naiad.service.contract.model_data import fetch_model
from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.serving.engine_table_store import engine_table_uri, store_engine_table
from naiad.service.endpoints.serving.model_sandbox import MODEL, ModelSandbox
from naiad.service.endpoints.serving.prepared_model import PreparedModel
from naiad.service.endpoints.worker.engine_table import add_row, failure_row, format_table, read_table, write_table
from naiad.service.endpoints.worker.model_kind import ModelKind, model_kind
from naiad.service.walls.resource_guard import ResourceLimits

_LOG = logging.getLogger(__name__)
_BENCHMARK = "naiad.service.endpoints.worker.engine_benchmark"
_BENCHMARK_TIMEOUT_S = 120.0
_SINGLE_ENGINE_TIMEOUT_S = 300.0
_INSTALL_TIMEOUT_S = 1800.0
_REPLICA_PORT = "NAIAD_REPLICA_PORT"
_REPLICAS_PER_INSTANCE = "SAGEMAKER_MODEL_SERVER_WORKERS"
_MAX_REPLICAS_PER_INSTANCE = 256
_LOW_PRIORITY = ("nice", "-n", "19")
WriteLog = Callable[[str], None]


@dataclass(frozen=True)
class ModelPreparer:
    """All methods but ``measure_remaining_engines`` block: they are for a thread."""

    blobs: BlobStore
    sandbox: ModelSandbox

    def prepare(
        self, container: Mapping[str, Any], folder: Path, limits: ResourceLimits, log: WriteLog
    ) -> PreparedModel:
        """Makes ``folder`` anew. limits: of what runs meanwhile. Raises ServiceError with a reason for the user who deploys."""
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("ml/code", "tmp", "work"):
            (folder / name).mkdir(mode=0o700, parents=True)
        model_folder = folder / "ml" / "model"
        fetch_model(self.blobs, container, model_folder)
        environment = dict(container.get("Environment", {}))
        kind = model_kind(model_folder)
        is_artifact = kind is ModelKind.ARTIFACT
        prepared = PreparedModel(
            folder,
            kind,
            engine=None,
            max_batch_size=1,
            environment=environment,
            has_requirements=False if is_artifact else self._install_requirements(folder, environment, limits, log),
            replica_port=_parse_number(environment, _REPLICA_PORT, highest=65_535),
            replicas_per_instance=_parse_number(
                environment, _REPLICAS_PER_INSTANCE, highest=_MAX_REPLICAS_PER_INSTANCE
            ),
            engine_table_uri=engine_table_uri(container),
        )
        return self._with_engine(prepared, limits, log) if is_artifact else prepared

    async def measure_remaining_engines(self, prepared: PreparedModel, limits: ResourceLimits, log: WriteLog) -> None:
        """Measures the engines that the deployment did not wait for, adds them to the table and writes it to the log again.

        Used on the event loop's thread; a measurement stops when this is cancelled. Raises OSError when the folder is gone.
        """
        table = read_table(prepared.model_folder)
        remaining = table.get("unmeasured", [])
        for engine in remaining:
            table = add_row(table, await self._measure_engine(prepared, engine, limits))
            write_table(prepared.model_folder, table)
        if not remaining:
            return
        for line in format_table(table):
            log(line)
        await asyncio.to_thread(store_engine_table, self.blobs, prepared.engine_table_uri, table)

    def _with_engine(self, prepared: PreparedModel, limits: ResourceLimits, log: WriteLog) -> PreparedModel:
        table = self._benchmark_engines(prepared, limits)
        for line in format_table(table):
            log(line)
        write_table(prepared.model_folder, table)
        store_engine_table(self.blobs, prepared.engine_table_uri, table)
        if table.get("chosen") is None:
            raise Invalid(f"no engine runs the artifact: {table.get('reason', 'see the log')}")
        return replace(prepared, engine=table["chosen"], max_batch_size=int(table["max_batch_size"]))

    def _benchmark_engines(self, prepared: PreparedModel, limits: ResourceLimits) -> dict[str, Any]:
        command = (sys.executable, "-m", _BENCHMARK, MODEL, "--skip-slow")
        output = self.sandbox.run(
            prepared.folder, command, prepared.environment, limits, timeout_s=_BENCHMARK_TIMEOUT_S
        )
        table: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return table

    async def _measure_engine(self, prepared: PreparedModel, engine: str, limits: ResourceLimits) -> dict[str, Any]:
        """Returns its row. It runs at the lowest priority, since replicas answer meanwhile."""
        words = (*_LOW_PRIORITY, sys.executable, "-m", _BENCHMARK, MODEL, "--engine", engine)
        start = await asyncio.to_thread(
            self.sandbox.prepare_start, prepared.folder, words, prepared.environment, limits
        )
        program = start()
        try:
            output = await asyncio.to_thread(program.wait, _SINGLE_ENGINE_TIMEOUT_S)
            row: dict[str, Any] = json.loads(output.stdout.strip().splitlines()[-1])
        except Invalid as error:
            return failure_row(engine, str(error))
        except (ValueError, IndexError):
            return failure_row(engine, f"its process exited with status {output.status}")
        else:
            return row
        finally:
            program.kill()

    def _install_requirements(
        self, folder: Path, environment: Mapping[str, str], limits: ResourceLimits, log: WriteLog
    ) -> bool:
        """Returns whether the model has any."""
        if not (folder / "ml" / "model" / "code" / "requirements.txt").is_file():
            return False
        virtual_environment.create_virtual_environment(folder / "ml")
        pip = ("python", "-m", "pip", "install", "--disable-pip-version-check")
        command = (*pip, "-r", f"{MODEL}/code/requirements.txt")
        self.sandbox.run(folder, command, environment, limits, timeout_s=_INSTALL_TIMEOUT_S, log=log)
        return True


def _parse_number(environment: Mapping[str, str], name: str, *, highest: int) -> int | None:
    if name not in environment:
        return None
    text = environment[name]
    if not text.isdecimal() or not 1 <= int(text[:9]) <= highest:
        raise Invalid(f"Environment's {name} is {text!r}: give a whole number from 1 to {highest}")
    return int(text)
