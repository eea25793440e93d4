"""S3 with clients of others: s3fs, pyarrow's own, the AWS CLI, and boto3's multipart transfers."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

ODD = "a b/ünï ☃+%20&#.txt"
S3FS = """
    import json, os, sys, urllib.request
    import s3fs
    fs, odd = s3fs.S3FileSystem(), "things/" + sys.argv[1]
    fs.mkdir("things")

    fs.pipe(odd, b"0123456789")
    assert fs.cat_file(odd, start=2, end=5) == b"234"
    assert fs.cat_file(odd, start=-3) == b"789"
    with fs.open(odd) as file:
        file.seek(-2, 2)
        assert file.read() == b"89"
    with fs.open(odd, "ab") as file:
        file.write(b"ab")
    fs.mv(odd, "things/plain.txt")
    assert fs.cat("things/plain.txt") == b"0123456789ab" and not fs.exists(odd)
    fs.setxattr("things/plain.txt", kind="plain")
    assert fs.metadata("things/plain.txt") == {"kind": "plain"}
    assert urllib.request.urlopen(fs.url("things/plain.txt", expires=60)).read() == b"0123456789ab"

    large = os.urandom(20 * 2**20 + 7)
    with fs.open("things/large", "wb", block_size=5 * 2**20) as file:
        for start in range(0, len(large), 1_000_003):
            file.write(large[start : start + 1_000_003])
    fs.copy("things/large", "things/large2")
    with fs.open("things/large2", block_size=2**20) as file:
        file.seek(9 * 2**20)
        assert file.read(100) == large[9 * 2**20 :][:100]
    assert fs.cat("things/large2") == large and fs.list_multipart_uploads("things") == []

    for name in ("p=1/x.txt", "p=1/y.csv", "p=2/x.txt", "p=2/q/z.txt"):
        fs.pipe(f"things/tree/{name}", name.encode())
    assert fs.glob("things/tree/*/x.txt") == ["things/tree/p=1/x.txt", "things/tree/p=2/x.txt"]
    assert len(fs.glob("things/tree/**/*.txt")) == 3 and fs.du("things/tree") == 38
    assert [(dirs, files) for _, dirs, files in fs.walk("things/tree/p=2")] == [(["q"], ["x.txt"]), ([], ["z.txt"])]
    fs.cp("things/tree", "things/copy", recursive=True)
    fs.rm("things/tree", recursive=True)
    assert len(fs.find("things/copy")) == 4 and not fs.exists("things/tree") and fs.isdir("things/copy/p=2")

    with fs.open("things/once", "xb") as file:
        file.write(b"1")
    for refused, call in {
        "FileExistsError": lambda: fs.pipe_file("things/once", b"2", mode="create"),
        "FileNotFoundError": lambda: fs.cat("things/nothing"),
        "OSError": lambda: fs.rmdir("things"),
    }.items():
        try:
            call()
        except Exception as error:
            assert type(error).__name__ == refused, repr(error)
        else:
            raise AssertionError(refused)
    fs.rm("things", recursive=True)
    assert not fs.exists("things")
    print("all is well")
"""
PYARROW = """
    import os, sys
    import pyarrow as pa, pyarrow.dataset as ds, pyarrow.parquet as pq
    import s3fs
    from pyarrow.fs import FileSelector, FileType, S3FileSystem, copy_files
    fs = S3FileSystem(
        endpoint_override=os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"), scheme="http",
        region=os.environ["AWS_REGION"], allow_bucket_creation=True, allow_bucket_deletion=True,
    )
    odd = "arrows/" + sys.argv[1]
    fs.create_dir("arrows")

    with fs.open_output_stream(odd) as file:
        file.write(b"0123456789")
    with fs.open_input_file(odd) as file:
        assert (file.size(), file.read_at(3, 2)) == (10, b"234")
    large = os.urandom(25 * 2**20 + 3)
    with fs.open_output_stream("arrows/large", metadata={"Content-Type": "application/x-large"}) as file:
        file.write(large)
    with fs.open_input_stream("arrows/large") as file:
        assert file.metadata()["Content-Type"] == b"application/x-large" and file.read() == large

    for name in ("tree/p/x", "tree/p/q/y", "tree/z"):
        with fs.open_output_stream("arrows/" + name) as file:
            file.write(name.encode())
    fs.move("arrows/tree/z", "arrows/tree/moved")
    fs.copy_file("arrows/large", "arrows/large2")
    copy_files("arrows/tree", "arrows/twin", source_filesystem=fs, destination_filesystem=fs)
    found = fs.get_file_info(FileSelector("arrows/twin", recursive=True))
    assert sorted(info.path for info in found if info.type == FileType.File) == [
        "arrows/twin/moved", "arrows/twin/p/q/y", "arrows/twin/p/x"
    ]
    fs.create_dir("arrows/new/deep", recursive=True)
    kinds = fs.get_file_info(["arrows", "arrows/large2", "arrows/none", "arrows/tree/p", "arrows/new/deep"])
    assert [info.type.name for info in kinds] == ["Directory", "File", "NotFound", "Directory", "Directory"]

    table, other = pa.table({"a": range(100_000), "k": ["x", "y"] * 50_000}), s3fs.S3FileSystem()
    for writer, reader, name in ((fs, other, "one"), (other, fs, "two")):
        pq.write_table(table, f"arrows/{name}.parquet", filesystem=writer)
        assert pq.read_table(f"arrows/{name}.parquet", filesystem=reader).equals(table)
    pq.write_to_dataset(table, "arrows/set", partition_cols=["k"], filesystem=fs)
    half = ds.dataset("arrows/set", filesystem=fs, partitioning="hive").to_table(filter=ds.field("k") == "x")
    assert half["a"].to_pylist() == list(range(0, 100_000, 2))

    fs.delete_file(odd)
    fs.delete_dir_contents("arrows/tree")
    fs.delete_dir("arrows/set")
    for call in (fs.delete_file, fs.open_input_file, lambda path: fs.get_file_info(FileSelector(path))):
        try:
            call("arrows/none")
        except FileNotFoundError:
            pass
        else:
            raise AssertionError(call)
    fs.delete_dir("arrows")
    assert fs.get_file_info("arrows").type == FileType.NotFound
    print("all is well")
"""


@pytest.mark.slow
def test_s3fs(server: Any, s3_clients: Any) -> None:
    assert "all is well" in s3_clients.run(server, S3FS, ODD)


@pytest.mark.slow
def test_pyarrow(server: Any, s3_clients: Any) -> None:
    assert "all is well" in s3_clients.run(server, PYARROW, ODD)


def aws(variables: dict[str, str], *arguments: str | Path) -> str:
    command = [sys.executable, "-m", "awscli", *map(str, arguments)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names(server: Any, prefix: str) -> list[str]:
    rows = server.client("s3").list_objects_v2(Bucket="naiad", Prefix=prefix).get("Contents", [])
    return [row["Key"].removeprefix(prefix) for row in rows]


@pytest.mark.slow
def test_the_aws_cli(server: Any, variables_of: Any, tmp_path: Path) -> None:
    here, back, variables = tmp_path / "here", tmp_path / "back", variables_of(server)
    for name in ("a.txt", ODD, "deep/large.bin"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes(os.urandom(18 * 2**20) if name.endswith("bin") else name.encode())
        os.utime(
            here / name, (1_700_000_000, 1_700_000_000)
        )  # else newer than the copy, whose time is in whole seconds
    aws(variables, "s3", "cp", "--recursive", "--only-show-errors", here, "s3://naiad/cli")
    assert names(server, "cli/") == sorted(["a.txt", ODD, "deep/large.bin"])
    listed = aws(variables, "s3", "ls", "--recursive", "--summarize", "s3://naiad/cli/")
    assert "Total Objects: 3" in listed
    assert f"cli/{ODD}" in listed
    assert "PRE deep/" in aws(variables, "s3", "ls", "s3://naiad/cli/")

    aws(variables, "s3", "sync", "--only-show-errors", "s3://naiad/cli", back)
    assert {name: (back / name).read_bytes() for name in names(server, "cli/")} == {
        name: (here / name).read_bytes() for name in names(server, "cli/")
    }
    assert aws(variables, "s3", "sync", here, "s3://naiad/cli") == ""
    (here / "a.txt").unlink()
    (here / "new.txt").write_text("new")
    output = aws(variables, "s3", "sync", "--delete", "--no-progress", here, "s3://naiad/cli")
    assert sorted(line.split(":")[0] for line in output.splitlines()) == ["delete", "upload"]
    assert names(server, "cli/") == sorted([ODD, "deep/large.bin", "new.txt"])

    aws(variables, "s3", "mv", "--recursive", "--only-show-errors", "s3://naiad/cli/deep", "s3://naiad/moved")
    aws(variables, "s3", "mv", "--only-show-errors", f"s3://naiad/cli/{ODD}", "s3://naiad/moved/plain.txt")
    assert names(server, "moved/") == ["large.bin", "plain.txt"]
    url = aws(variables, "s3", "presign", "--expires-in", "60", "s3://naiad/moved/plain.txt").strip()
    with urllib.request.urlopen(url) as answer:  # reason: the server of this test
        assert answer.read() == ODD.encode()
    assert aws(variables, "s3", "cp", "s3://naiad/moved/plain.txt", "-") == ODD
    aws(variables, "s3", "rm", "--recursive", "--only-show-errors", "s3://naiad/moved")
    assert names(server, "moved/") == []
    aws(variables, "s3", "mb", "s3://made")
    aws(variables, "s3api", "put-object", "--bucket", "made", "--key", "k", "--metadata", "kind=odd")
    assert json.loads(aws(variables, "s3api", "head-object", "--bucket", "made", "--key", "k"))["Metadata"] == {
        "kind": "odd"
    }
    aws(variables, "s3", "rb", "--force", "s3://made")
    assert "made" not in aws(variables, "s3", "ls")


def test_boto3_transfers_forty_mebibytes(server: Any, tmp_path: Path) -> None:
    store, source, copy = server.client("s3"), tmp_path / "source", tmp_path / "copy"
    source.write_bytes(os.urandom(40 * 2**20))
    store.upload_file(str(source), "naiad", ODD, ExtraArgs={"Metadata": {"kind": "large"}, "ContentType": "x/large"})
    head = store.head_object(Bucket="naiad", Key=ODD)
    assert (head["ContentLength"], head["ContentType"], head["Metadata"]) == (40 * 2**20, "x/large", {"kind": "large"})
    assert head["ETag"].endswith('-5"')
    store.download_file("naiad", ODD, str(copy))
    assert copy.read_bytes() == source.read_bytes()
    store.copy({"Bucket": "naiad", "Key": ODD}, "naiad", "copied")
    store.download_file("naiad", "copied", str(copy))
    assert copy.read_bytes() == source.read_bytes()


def test_the_error_of_a_conditional_write_names_the_condition(server: Any) -> None:
    store = server.client("s3")
    for condition, value in (("If-None-Match", "*"), ("If-Match", "0" * 32)):
        with pytest.raises(ClientError) as caught:
            store.put_object(Bucket="naiad", Key="data/a.txt", Body=b"", **{condition.replace("-", ""): value})
        error = caught.value.response["Error"]
        assert (error["Code"], error["Condition"]) == ("PreconditionFailed", condition)
