"""The server's own cost: jobs accepted per second, 100 MiB through S3, and its memory, idle and after that.

python benchmarks/service_load.py
"""

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from live import Live, live, request
from log import row

CLIENTS = 4
ACCEPT_FOR_S = 5.0
SIZE = 100 * 2**20
ROUNDS = 7
WAITS = "import time\ntime.sleep(600)"


def accepted_per_s(server: Live, number: int) -> float:
    """By clients with boto3 in threads of this process, while another job holds the cores, so that all of them wait."""
    until = time.monotonic() + ACCEPT_FOR_S

    def create(client: int) -> int:
        count, sagemaker = 0, server.client("sagemaker")
        while time.monotonic() < until:
            sagemaker.create_training_job(**request(f"r{number}-c{client}-{count}", "source.tar.gz"))
            count += 1
        return count

    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(create, range(CLIENTS))) / ACCEPT_FOR_S


def main() -> None:
    sent, got, copied, accepted = [], [], [], []
    with live("--no-warm") as server, tempfile.TemporaryDirectory() as folder:
        time.sleep(1)
        idle = [server.memory_mb()]
        server.put_source("source.tar.gz", WAITS)
        store, file = server.client("s3"), Path(folder) / "data"
        file.write_bytes(bytes(range(256)) * (SIZE // 256))
        for _ in range(ROUNDS):
            sent.append(timed(lambda: store.upload_file(str(file), "naiad", "data")))
            got.append(timed(lambda: store.download_file("naiad", "data", f"{folder}/back")))
            copied.append(timed(lambda: copy(file, Path(folder) / "copy")))
        assert (Path(folder) / "back").read_bytes() == file.read_bytes()
        server.client("sagemaker").create_training_job(**request("holds-the-cores", "source.tar.gz"))
        accepted += [accepted_per_s(server, number) for number in range(3)]
        after = [server.memory_mb()]
        server.client("sagemaker").stop_training_job(TrainingJobName="holds-the-cores")
    script = "service_load.py"
    print(row("memory of the server, idle", idle, unit="MB", goal="< 150 MB", script=script))
    waiting = sum(accepted) * ACCEPT_FOR_S
    note = f"after {ROUNDS} × 100 MiB put and got and {waiting:,.0f} waiting jobs"
    print(row("memory of the server, after work", after, unit="MB", script=script, note=note))
    clients = f"{CLIENTS} boto3 clients in one process on the same cores"
    print(row("jobs accepted per second, on disk when answered", accepted, unit="/s", script=script, note=clients))
    for claim, values in (("multipart put", sent), ("get", got), ("for comparison: copied to disk with fsync", copied)):
        print(row(f"100 MiB, {claim}", values, unit="s", script=script))


def copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, target.open("wb") as to:
        to.write(file.read())
        to.flush()
        os.fsync(to.fileno())


def timed(do: Callable[[], object]) -> float:
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
