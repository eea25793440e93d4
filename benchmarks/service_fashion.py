"""Fashion-MNIST through S3 to a trained model.tar.gz: a job's test accuracy beside that of the library's run with the same seed.

python benchmarks/service_fashion.py [epochs] [seeds]
"""

import sys
import tempfile
import time
from pathlib import Path

from live import live
from log import row

import naiad
from naiad.trainer.loop.progress import Silent

FILES = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts the four IDX files."""


def main() -> None:
    epochs, seeds = (int(word) for word in (*sys.argv[1:], "10", "3")[:2])
    service, library, took = [], [], []
    with live("--warm") as server, tempfile.TemporaryDirectory() as folder:
        connection = naiad.connect(state=server.state)
        store = connection.client("s3")
        for file in FILES.iterdir():
            store.upload_file(str(file), "naiad", f"fashion/{file.name}")
        for seed in range(seeds):
            begin = time.perf_counter()
            job = connection.fit("simplenet", "s3://naiad/fashion/", epochs=epochs, seed=seed, report=False).wait()
            took.append(time.perf_counter() - begin)
            model = job.model(Path(folder) / f"model-{seed}")
            service.append(100 * model.evaluations["test"]["metrics"]["accuracy"])
            alone = naiad.fit("simplenet", str(FILES), epochs=epochs, seed=seed, report=False, progress=Silent())
            library.append(100 * alone.evaluations["test"]["metrics"]["accuracy"])
            print(service[-1], library[-1], flush=True)
    script = "service_fashion.py"
    differences = [job - alone for job, alone in zip(service, library, strict=True)]
    print(
        row(
            f"SimpleNet on Fashion-MNIST through S3, {epochs} epochs as a job: test accuracy",
            service,
            unit="%",
            script=script,
        )
    )
    print(
        row("the same minus that of naiad.fit with the same seed", differences, unit="points", goal="0", script=script)
    )
    print(row("from the request to the end of that job", took, unit="s", script=script))


if __name__ == "__main__":
    main()
