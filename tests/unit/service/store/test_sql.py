"""SQLite's content survives a kill and a full disk. The rest of the contract is in tests/contract/store."""

import subprocess
import sys
import textwrap

import pytest

from naiad.service.domain.job import JobKind
from naiad.service.domain.status import Phase
from naiad.service.store.open import open_store
from naiad.service.store.port import JobQuery

KIND = JobKind.TRAINING
_JOBS = """
    import datetime as dt, itertools, pathlib, sys, threading
    from naiad.service.domain.errors import StorageFull
    from naiad.service.domain.job import Job, JobKind, ResourceRequest
    from naiad.service.domain.status import Phase
    from naiad.service.store.open import open_store
    from naiad.service.store.port import JobQuery

    KIND, AT = JobKind.TRAINING, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    def job(name, size=3000):
        return Job(KIND, name, "us-east-1", {"x": "x" * size}, ResourceRequest(1, 1, 1), AT, AT)
"""
WRITER = textwrap.dedent(f"""
    {_JOBS}
    store = open_store(sys.argv[1])

    def write(thread):
        for number in itertools.count():
            added = job(f"{{sys.argv[2]}}-{{thread}}-{{number}}")
            store.add(added, {{"whole": added.name}})
            sys.stdout.write(f"added {{added.name}}\\n")
            sys.stdout.flush()
            store.update(added.to(Phase.STARTING, at=AT), before=added)
            sys.stdout.write(f"started {{added.name}}\\n")
            sys.stdout.flush()

    for thread in range(3):
        threading.Thread(target=write, args=(thread,)).start()
""")
FILLER = textwrap.dedent(f"""
    {_JOBS}
    folder = pathlib.Path(sys.argv[1])
    store = open_store(folder)
    store.add(job("before"), {{}})
    added = []
    try:
        for number in range(1000):
            store.add(job(f"job-{{number}}", size=20_000), {{"n": str(number)}})
            added.append(f"job-{{number}}")
    except StorageFull as error:
        print("full:", error)
    page = store.find(JobQuery(KIND, sort_by="created_at", limit=5000))
    assert {{one.name for one in page.jobs}} == {{"before", *added}}
    assert store.tags(job(f"job-{{len(added)}}").arn) == {{}}
    store.close()
    again = open_store(folder)
    assert again.get(KIND, "before") == job("before")
    (folder / "ballast").unlink()
    again.add(job("after"), {{}})
    print("after:", again.get(KIND, "after").name, len(added) > 3)
""")


def _killed_after(lines, folder, run):
    """Returns the lines that a writer had printed whole when it was killed."""
    with subprocess.Popen([sys.executable, "-c", WRITER, folder, run], stdout=subprocess.PIPE) as writer:
        printed = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        printed += writer.stdout.readlines()
    return [line.decode().split() for line in printed if line.endswith(b"\n")]


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_undoes_nothing_and_leaves_nothing_half_done(tmp_path, seed):
    printed = _killed_after(5 + 13 * seed, tmp_path, "first") + _killed_after(8 + 7 * seed, tmp_path, "second")
    store = open_store(tmp_path)
    for word, name in printed:
        job = store.get(KIND, name)
        assert job.phase is Phase.STARTING or word == "added"
    for job in store.unfinished_jobs():
        assert store.tags(job.arn) == {"whole": job.name}
    with store._database._engines.writer.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    store.close()


def test_a_full_disk_raises_an_error_and_the_database_survives(tmp_path):
    mount = (
        f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && head -c 300000 /dev/zero > {tmp_path}/ballast"
        f' && exec {sys.executable} -c "$0" {tmp_path}'
    )
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", mount, FILLER], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert "full: the disk of the store's database is full" in done.stdout, done.stderr
    assert "after: after True" in done.stdout, done.stderr


def test_the_store_is_empty_at_first(tmp_path):
    store = open_store(tmp_path)
    assert store.find(JobQuery(KIND)).jobs == ()
    store.close()
