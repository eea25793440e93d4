import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from naiad.errors import TrainingError
from naiad.service.endpoints.transform.batch_transform import transform
from naiad.service.endpoints.transform.settings import settings_of
from naiad.service.endpoints.worker.inference import Answer, Invocation


class Upper:
    """A line for each line; notes the requests."""

    most_samples = 2

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def answer(self, invocations: Sequence[Invocation]) -> list[Answer]:
        self.bodies += [one.body for one in invocations]
        return [
            Answer(424, b"it broke") if b"bad" in one.body else Answer(200, one.body.strip().upper())
            for one in invocations
        ]


def run(
    folder: Path, files: dict[str, bytes], given: dict[str, object], **more: object
) -> tuple[dict[str, bytes], list[bytes]]:
    source, target, handler = folder / "in", folder / "out", Upper()
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    settings = settings_of({"TransformInput": given, "TransformOutput": {"AssembleWith": "Line"}, **more})
    assert asyncio.run(transform(handler, settings, source, target)) == len(files)
    found = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    return found, handler.bodies


LINES = {"SplitType": "Line", "ContentType": "text/csv"}


def test_lines_packed_and_one_by_one(tmp_path: Path):
    found, bodies = run(tmp_path / "packed", {"a/b.csv": b"x\n\ny\r\nz"}, LINES)
    assert (found, bodies) == ({"a/b.csv.out": b"X\nY\nZ\n"}, [b"x\ny\nz\n"])
    found, bodies = run(tmp_path / "single", {"b.csv": b"x\ny\nz"}, LINES, BatchStrategy="SingleRecord")
    assert (found, bodies) == ({"b.csv.out": b"X\nY\nZ\n"}, [b"x", b"y", b"z"])


def test_no_request_is_larger_than_allowed(tmp_path: Path):
    lines = b"\n".join(b"%d" % n * 200_000 for n in range(10))
    _, bodies = run(tmp_path, {"a.csv": lines}, LINES, MaxPayloadInMB=1)
    assert max(map(len, bodies)) <= 2**20 + 16
    with pytest.raises(TrainingError, match=r"big\.csv: record 1 is larger than MaxPayloadInMB"):
        run(tmp_path / "big", {"big.csv": b"x" * 2**21}, LINES, MaxPayloadInMB=1)


def test_whole_files(tmp_path: Path):
    assert run(tmp_path, {"a.png": b"a\nb", "b.png": b"c"}, {})[0] == {"a.png.out": b"A\nB\n", "b.png.out": b"C\n"}


def test_what_fails_is_named(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"b\.csv: record 2: the model answered 424: it broke"):
        run(tmp_path, {"a.csv": b"x\n", "b.csv": b"x\nbad\n"}, LINES, BatchStrategy="SingleRecord")


def test_a_file_that_is_no_gzip(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"a\.csv cannot be read"):
        run(tmp_path, {"a.csv": b"x\n"}, {**LINES, "CompressionType": "Gzip"})


class Faltering(Upper):
    """Fails at each body for the first time."""

    def answer(self, invocations: Sequence[Invocation]) -> list[Answer]:
        seen, asked = list(self.bodies), super().answer(invocations)
        assert all(one.timeout_s == 7.0 for one in invocations)
        return [
            answer if one.body in seen else Answer(424, b"not yet")
            for one, answer in zip(invocations, asked, strict=True)
        ]


def test_what_the_model_fails_at_is_asked_again_as_often_as_allowed(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(b"x\ny")
    for retries, client in ((0, {}), (1, {"InvocationsMaxRetries": 1})):
        settings = settings_of(
            {
                "TransformInput": LINES,
                "TransformOutput": {"AssembleWith": "Line"},
                "BatchStrategy": "SingleRecord",
                "ModelClientConfig": {"InvocationsTimeoutInSeconds": 7, **client},
            }
        )
        work = transform(Faltering(), settings, tmp_path / "in", tmp_path / "out")
        if not retries:
            with pytest.raises(TrainingError, match="record 1: the model answered 424: not yet"):
                asyncio.run(work)
        else:
            asyncio.run(work)
    assert (tmp_path / "out" / "a.csv.out").read_bytes() == b"X\nY\n"
