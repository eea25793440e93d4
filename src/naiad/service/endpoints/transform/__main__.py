"""``python -m naiad.service.endpoints.transform``: the program of a transform job.

Below NAIAD_ML are its request (config/transformjobconfig.json), the model (model), and its files (transform/{input,output}).
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from naiad.errors import ArtifactError, NaiadError
from naiad.service.endpoints.transform.batch_transform import transform
from naiad.service.endpoints.transform.settings import settings_of
from naiad.service.endpoints.worker.engine_benchmark import probe, table_lines
from naiad.service.endpoints.worker.handler_loader import open_handler
from naiad.service.endpoints.worker.inference import BatchHandler, OneHandler, Unfit
from naiad.service.endpoints.worker.model_kind import kind_of

ROOT = "NAIAD_ML"


def main() -> int:
    root = Path(os.environ[ROOT])
    try:
        count = asyncio.run(_run(root))
    except (NaiadError, Unfit) as error:
        (root / "output" / "failure").write_text(f"AlgorithmError: {error}", encoding="utf-8")
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{count} files\n")
    return 0


async def _run(root: Path) -> int:
    settings = settings_of(json.loads((root / "config" / "transformjobconfig.json").read_text(encoding="utf-8")))
    if kind_of(root / "model") == "artifact":
        handler, settings = _artifact(root / "model"), settings.for_artifact()
    else:
        handler = open_handler(root / "model", os.environ)
    if not isinstance(handler, OneHandler):
        return await transform(handler, settings, root / "transform" / "input", root / "transform" / "output")
    try:
        await handler.start()
        return await transform(handler, settings, root / "transform" / "input", root / "transform" / "output")
    finally:
        await handler.close()


def _artifact(folder: Path) -> BatchHandler | OneHandler:
    """By the engine that an endpoint would choose. Raises ArtifactError when none agrees with the reference scores."""
    table = probe(folder, hasty=True)
    sys.stdout.write("".join(f"{line}\n" for line in table_lines(table)))
    if table["chosen"] is None:
        raise ArtifactError(f"no engine runs the artifact: {table['reason']}")
    return open_handler(folder, os.environ, table["chosen"], most_samples=table["most_samples"])


if __name__ == "__main__":
    sys.exit(main())
