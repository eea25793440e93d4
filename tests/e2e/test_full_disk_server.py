"""A server on a disk that others have filled to the last byte: it starts, lists, reads and deletes."""

import subprocess
import sys
import textwrap
from pathlib import Path

import faulty_server
import pytest

PROGRAM = textwrap.dedent("""
    import signal, sys
    from pathlib import Path
    from botocore.exceptions import ClientError
    from faulty_server import deletion_problems, make_template, read_problems, start
    folder, log = Path(sys.argv[1]), Path(sys.argv[2])
    state, model = make_template(folder)
    filler = (folder / "filler").open("wb", buffering=0)
    try:
        while True:
            filler.write(bytes(4096))
    except OSError as error:
        print("full", error.errno)
    server = start(state, log)
    print("started", server.address is not None)
    print("read", list(read_problems(server, model)))
    try:
        server.client("s3").put_object(Bucket="naiad", Key="more", Body=b"more")
    except ClientError as error:
        print("put", error.response["Error"]["Code"])
    server.end(signal.SIGKILL)
    server = start(state, log)
    print("deleted", list(deletion_problems(server)))
    filler.truncate(0)
    server.client("s3").put_object(Bucket="naiad", Key="more", Body=b"more")
    print("put again")
    server.end(signal.SIGTERM)
""")


@pytest.mark.slow
def test_it_starts_lists_reads_and_deletes(tmp_path: Path) -> None:
    disk, log = tmp_path / "disk", tmp_path / "log"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=48m tmpfs {disk} && exec {sys.executable} -c "$0" {disk} {log}'
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(faulty_server.__file__).parent)}
    command = ["unshare", "-Urm", "sh", "-c", mount, PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "unshare:" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert done.stdout.splitlines() == [
        "full 28",
        "started True",
        "read []",
        "put StorageFull",
        "deleted []",
        "put again",
    ], done.stderr + log.read_text(encoding="utf-8")
