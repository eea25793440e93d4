"""Promises of the folder alone: kills, a full disk, restarts, other processes, and files that a person can find."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from naiad.service.blobs import errors
from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.names import NO_LIMIT, key_to_names
from naiad.service.blobs.port import MIN_PART_BYTES, CompletedPart, ObjectAttributes
from naiad.service.domain.errors import ServiceError

WRITER = textwrap.dedent("""
    import hashlib, random, sys
    from pathlib import Path
    from naiad.service.blobs.folder import FolderBlobStore
    from naiad.service.blobs.port import ObjectAttributes
    blobs, seed = FolderBlobStore(Path(sys.argv[1])), int(sys.argv[2])
    dice = random.Random(seed)
    for number in range(10_000):
        key = f"folder {dice.randrange(5)}/{dice.randrange(20)}"
        data = dice.randbytes(dice.randrange(200_000))
        digest = hashlib.sha256(data).hexdigest()
        blobs.put("bucket", key, [data[:1000], data[1000:]], attributes=ObjectAttributes(metadata={"digest": digest}))
        print(key, digest, sep="\\t", flush=True)
        if number % 7 == 0:
            blobs.delete("bucket", key)
            print(key, "", sep="\\t", flush=True)
""")


def names_below(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_after_a_kill_every_acknowledged_object_is_whole(tmp_path):
    FolderBlobStore(tmp_path).create_bucket("bucket")
    acknowledged = {}
    for seed in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, str(seed)], stdout=subprocess.PIPE, text=True
        )
        for line, _ in zip(writer.stdout, range(5 + 11 * seed), strict=False):
            key, digest = line.rstrip("\n").split("\t")
            acknowledged[key] = digest
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout.read().splitlines():
            key, _, digest = line.partition("\t")
            acknowledged[key] = digest
        writer.wait()
        writer.stdout.close()
        check_all_whole(FolderBlobStore(tmp_path), acknowledged)
    assert names_below(tmp_path / ".naiad" / "temporary") == []


def check_all_whole(blobs, acknowledged):
    """The operation that was interrupted by the kill may be done or not; no object may be torn."""
    stored = {info.key: info.metadata["digest"] for info in blobs.list("bucket").objects}
    for key, digest in stored.items():
        data = b"".join(blobs.read("bucket", key)[1])
        assert hashlib.sha256(data).hexdigest() == digest
    differing = {key for key in acknowledged.keys() | stored.keys() if acknowledged.get(key, "") != stored.get(key, "")}
    assert len(differing) <= 1
    acknowledged.update({key: stored.get(key, "") for key in differing})


def test_a_new_store_keeps_the_temporary_files_of_live_writers(tmp_path):
    blobs = FolderBlobStore(tmp_path)
    blobs.create_bucket("bucket")
    temporary = tmp_path / ".naiad" / "temporary"
    (temporary / "left").write_bytes(b"by a killed process")
    (temporary / "folder").mkdir()

    def content():
        yield b"first"
        FolderBlobStore(tmp_path)
        assert len(list(temporary.iterdir())) == 1
        yield b" second"

    blobs.put("bucket", "k", content())
    assert blobs.head("bucket", "k").size == 12
    assert list(temporary.iterdir()) == []


FULL = textwrap.dedent("""
    import sys
    from pathlib import Path
    from naiad.service.blobs.folder import FolderBlobStore
    from naiad.service.domain.errors import StorageFull
    root = Path(sys.argv[1])
    blobs = FolderBlobStore(root)
    blobs.create_bucket("bucket")
    blobs.put("bucket", "k", [b"old"])
    upload = blobs.start_upload("bucket", "k")
    for write in (
        lambda: blobs.put("bucket", "k", [b"x" * 2_000_000]),
        lambda: blobs.put_part(upload, 1, [b"x" * 2_000_000]),
    ):
        try:
            write()
        except StorageFull as error:
            print("full:", error)
    print("content", b"".join(blobs.read("bucket", "k")[1]), len(list((root / ".naiad/temporary").iterdir())))
    blobs.put("bucket", "k", [b"new"])
    print("content", b"".join(blobs.read("bucket", "k")[1]))
""")


def test_a_full_disk_leaves_the_old_object(tmp_path):
    mount = f'mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec {sys.executable} -c "$0" {tmp_path}'
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", mount, FULL], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert done.stdout.count("full: the disk of the blob store is full") == 2, done.stderr
    assert "content b'old' 0" in done.stdout
    assert "content b'new'" in done.stdout


def test_everything_survives_a_restart(tmp_path):
    first = FolderBlobStore(tmp_path)
    first.create_bucket("bucket")
    put = first.put(
        "bucket",
        "k",
        [b"x"],
        attributes=ObjectAttributes("a/b", {"m": "ü"}, {"expires": "0"}),
        checksums={"sha256": ""},
    )
    upload = first.start_upload("bucket", "up", attributes=ObjectAttributes(metadata={"n": "1"}), algorithm="crc32c")
    parts = [first.put_part(upload, number, [b"p" * MIN_PART_BYTES], checksums={"crc32c": ""}) for number in (1, 2)]
    second = FolderBlobStore(tmp_path)
    assert second.head("bucket", "k") == put
    assert second.list_buckets() == first.list_buckets()
    assert second.get_upload("bucket", "up", upload.upload_id) == upload
    assert list(second.list_parts(upload)) == parts
    claims = [CompletedPart(part.number, part.etag) for part in parts]
    completed = second.complete_upload("bucket", "up", upload.upload_id, claims)
    assert completed.metadata == {"n": "1"}
    assert completed.checksums["crc32c"].endswith("-2")
    assert FolderBlobStore(tmp_path).complete_upload("bucket", "up", upload.upload_id, claims) == completed


def test_an_object_is_found_by_its_key_in_the_folder(tmp_path):
    blobs = FolderBlobStore(tmp_path)
    blobs.create_bucket("fashion")
    blobs.put("fashion", "train/Größe 1.csv", [b"a,b\n"])
    path = tmp_path / "fashion" / "train" / "Größe 1.csv@"
    assert path.read_bytes()[:4] == b"a,b\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_key_leads_out_of_the_bucket(tmp_path):
    root = tmp_path / "root"
    blobs = FolderBlobStore(root)
    blobs.create_bucket("bucket")
    for key in ("../x", "/etc/x", "a/../../../x", "..", "../.naiad/buckets/other", "%2E%2E/x", "\x00"):
        blobs.put("bucket", key, [b"x"])
    assert names_below(tmp_path) == sorted([*names_below(root / "bucket"), *names_below(root / ".naiad")])
    for bucket in ("..", ".naiad", "bucket/..", "bucket/a"):
        with pytest.raises(errors.NoSuchBucket):
            blobs.put(bucket, "k", [b"x"])
    for upload_id in ("..", "../../bucket", "", "x" * 32):
        with pytest.raises(errors.NoSuchUpload):
            blobs.get_upload("bucket", "k", upload_id)


def test_a_link_in_the_folder_is_not_followed(tmp_path):
    blobs = FolderBlobStore(tmp_path / "root")
    blobs.create_bucket("bucket")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "root" / "bucket" / "k@").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links") as caught:
        blobs.head("bucket", "k")
    assert caught.value.errno == errno.ELOOP


def test_a_damaged_file_raises_an_error(tmp_path):
    blobs = FolderBlobStore(tmp_path)
    blobs.create_bucket("bucket")
    blobs.put("bucket", "k", [b"content"])
    path = tmp_path / "bucket" / "k@"
    whole = path.read_bytes()
    for data in (b"", whole[:-1], whole[1:], b"short", whole[:-16] + b"\xff" * 8 + whole[-8:]):
        path.write_bytes(data)
        with pytest.raises(ServiceError, match="damaged"):
            blobs.head("bucket", "k")


def test_puts_and_deletes_at_the_same_time_lose_nothing(tmp_path):
    """Deletes remove empty folders while puts make them."""
    FolderBlobStore(tmp_path).create_bucket("bucket")
    failures = []

    def work(number):
        blobs = FolderBlobStore(tmp_path)
        try:
            for turn in range(40):
                blobs.put("bucket", f"a/b/c/{number}", [b"%d" % turn])
                assert b"".join(blobs.read("bucket", f"a/b/c/{number}")[1]) == b"%d" % turn
                blobs.delete("bucket", f"a/b/c/{number}")
        except Exception as error:  # noqa: BLE001  # reason: reported by the thread of the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list((tmp_path / "bucket").iterdir()) == []


def test_changes_by_another_process_are_seen_immediately(tmp_path):
    own, other = FolderBlobStore(tmp_path), FolderBlobStore(tmp_path)
    own.create_bucket("bucket")
    for number in range(20):
        other.put("bucket", f"k{number:02d}", [b""])
        assert len(own.list("bucket").objects) == number + 1


def test_a_page_among_very_many_keys_is_fast(tmp_path):
    blobs = FolderBlobStore(tmp_path)
    blobs.create_bucket("bucket")
    blobs.put("bucket", "many/seed", [b"x"])
    seed = tmp_path / "bucket" / "many" / "seed@"
    fill(seed, 50_000)
    os.utime(seed.parent, (time.time() - 60, time.time() - 60))
    started = time.perf_counter()
    cold = blobs.list("bucket", prefix="many/03")
    middle = time.perf_counter()
    warm = blobs.list("bucket", start_after=cold.next_start_after)
    ended = time.perf_counter()
    assert (len(cold.objects), warm.objects[0].key) == (1000, "many/031000")
    assert middle - started < 20
    assert ended - middle < 5
    assert blobs.list("bucket", delimiter="/").prefixes == ("many/",)


def fill(seed, count):
    """Makes links to one file, which is faster than making files."""
    for number in range(count):
        os.link(seed, seed.with_name(f"{number:06d}@"))


def test_objects_of_an_earlier_version_in_very_deep_folders_stay_reachable(tmp_path):
    blobs = FolderBlobStore(tmp_path)
    blobs.create_bucket("bucket")
    deep = "a/" * 70
    old, beside, other = deep + "old", deep + "new", "a/" * 64 + "b/c"
    blobs.put("bucket", "k", [b"old"])
    earlier = (tmp_path / "bucket").joinpath(*key_to_names(old, NO_LIMIT))
    earlier.parent.mkdir(parents=True)
    (tmp_path / "bucket" / "k@").rename(earlier)
    for key in (beside, other):
        blobs.put("bucket", key, [key.encode()])
    assert b"".join(blobs.read("bucket", old)[1]) == b"old"
    assert [found.key for found in blobs.list("bucket").objects] == [beside, old, other]
    blobs.put("bucket", old, [b"newer"])
    assert b"".join(blobs.read("bucket", old)[1]) == b"newer"
    for key in (old, beside, other):
        blobs.delete("bucket", key)
    blobs.delete_bucket("bucket")
