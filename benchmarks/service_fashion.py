"""Trains on Fashion-MNIST through S3 as a job, and compares its test accuracy with a run of the library with the same seed.

python benchmarks/service_fashion.py [epochs] [seeds]
"""

import sys
import tempfile
import time
from pathlib import Path

from live_server import serve
from log import log_row

import naiad
from naiad.trainer.loop.progress import SilentProgress

FILES = Path("/usr/share/datasets/fashion-mnist")
"""The folder in which Debian's package dataset-fashion-mnist installs the four IDX files."""


def main() -> None:
    epochs, seeds = (int(word) for word in (*sys.argv[1:], "10", "3")[:2])
    service_accuracies, library_accuracies, seconds = [], [], []
    with serve("--warm") as server, tempfile.TemporaryDirectory() as folder:
        connection = naiad.connect(state=server.state)
        store = connection.client("s3")
        for file in FILES.iterdir():
            store.upload_file(str(file), "naiad", f"fashion/{file.name}")
        for seed in range(seeds):
            started = time.perf_counter()
            job = connection.fit("simplenet", "s3://naiad/fashion/", epochs=epochs, seed=seed, report=False).wait()
            seconds.append(time.perf_counter() - started)
            model = job.model(Path(folder) / f"model-{seed}")
            service_accuracies.append(100 * model.evaluations["test"]["metrics"]["accuracy"])
            library_model = naiad.fit(
                "simplenet", str(FILES), epochs=epochs, seed=seed, report=False, progress=SilentProgress()
            )
            library_accuracies.append(100 * library_model.evaluations["test"]["metrics"]["accuracy"])
            print(service_accuracies[-1], library_accuracies[-1], flush=True)
    script = "service_fashion.py"
    differences = [
        job - library_model for job, library_model in zip(service_accuracies, library_accuracies, strict=True)
    ]
    print(
        log_row(
            f"SimpleNet on Fashion-MNIST through S3, {epochs} epochs as a job: test accuracy",
            service_accuracies,
            unit="%",
            script=script,
        )
    )
    print(
        log_row(
            "the same minus that of naiad.fit with the same seed", differences, unit="points", goal="0", script=script
        )
    )
    print(log_row("from the request to the end of that job", seconds, unit="s", script=script))


if __name__ == "__main__":
    main()
