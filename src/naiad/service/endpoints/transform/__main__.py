"""``python -m naiad.service.endpoints.transform``: the program of a transform job.

NAIAD_ML holds its request (config/transformjobconfig.json), the model (model), and its files (transform/input, transform/output).
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from naiad.errors import ArtifactError, NaiadError
from naiad.service.endpoints.transform.batch_transform import transform_folder
from naiad.service.endpoints.transform.settings import parse_transform_request
from naiad.service.endpoints.worker.engine_benchmark import benchmark_engines
from naiad.service.endpoints.worker.engine_table import format_table
from naiad.service.endpoints.worker.handler_loader import load_handler
from naiad.service.endpoints.worker.handler_port import BatchHandler
from naiad.service.endpoints.worker.inference import InferenceError
from naiad.service.endpoints.worker.model_kind import ModelKind, model_kind
from naiad.service.endpoints.worker.program_handler import Program

ROOT = "NAIAD_ML"


def main() -> int:
    root = Path(os.environ[ROOT])
    try:
        count = asyncio.run(_run(root))
    except (NaiadError, InferenceError) as error:
        (root / "output" / "failure").write_text(f"AlgorithmError: {error}", encoding="utf-8")
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{count} files\n")
    return 0


async def _run(root: Path) -> int:
    """Returns the number of files."""
    request = json.loads((root / "config" / "transformjobconfig.json").read_text(encoding="utf-8"))
    settings = parse_transform_request(request)
    source, target = root / "transform" / "input", root / "transform" / "output"
    if model_kind(root / "model") is ModelKind.ARTIFACT:
        handler = _load_artifact(root / "model")
        settings = settings.for_artifact()
    else:
        handler = load_handler(root / "model", os.environ)
    if not isinstance(handler, Program):
        return await transform_folder(handler, settings, source, target)
    program = await handler.start()
    try:
        return await transform_folder(program, settings, source, target)
    finally:
        await program.close()


def _load_artifact(folder: Path) -> BatchHandler | Program:
    """Loads the engine that an endpoint would choose. Raises ArtifactError when none agrees with the reference scores."""
    table = benchmark_engines(folder, skip_slow=True)
    sys.stdout.write("".join(f"{line}\n" for line in format_table(table)))
    if table["chosen"] is None:
        raise ArtifactError(f"no engine runs the artifact: {table['reason']}")
    return load_handler(folder, os.environ, table["chosen"], max_batch_size=table["max_batch_size"])


if __name__ == "__main__":
    sys.exit(main())
