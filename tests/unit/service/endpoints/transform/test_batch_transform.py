import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from naiad.errors import TrainingError
from naiad.service.endpoints.transform.batch_transform import transform_folder
from naiad.service.endpoints.transform.settings import parse_transform_request
from naiad.service.endpoints.worker.inference import InferenceRequest, InferenceResponse


class Upper:
    """Handler that gives one line for each line, and records the bodies."""

    max_batch_size = 2

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def handle(self, requests: Sequence[InferenceRequest]) -> list[InferenceResponse]:
        self.bodies += [one.body for one in requests]
        return [
            InferenceResponse(424, b"it broke")
            if b"bad" in one.body
            else InferenceResponse(200, one.body.strip().upper())
            for one in requests
        ]


def run(
    folder: Path, files: dict[str, bytes], source_options: dict[str, object], **more: object
) -> tuple[dict[str, bytes], list[bytes]]:
    source, target, handler = folder / "in", folder / "out", Upper()
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    settings = parse_transform_request(
        {"TransformInput": source_options, "TransformOutput": {"AssembleWith": "Line"}, **more}
    )
    assert asyncio.run(transform_folder(handler, settings, source, target)) == len(files)
    outputs = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    return outputs, handler.bodies


LINES = {"SplitType": "Line", "ContentType": "text/csv"}


def test_several_records_a_request_and_single_ones(tmp_path: Path):
    outputs, bodies = run(tmp_path / "packed", {"a/b.csv": b"x\n\ny\r\nz"}, LINES)
    assert (outputs, bodies) == ({"a/b.csv.out": b"X\nY\nZ\n"}, [b"x\ny\nz\n"])
    outputs, bodies = run(tmp_path / "single", {"b.csv": b"x\ny\nz"}, LINES, BatchStrategy="SingleRecord")
    assert (outputs, bodies) == ({"b.csv.out": b"X\nY\nZ\n"}, [b"x", b"y", b"z"])


def test_no_payload_is_larger_than_allowed(tmp_path: Path):
    lines = b"\n".join(b"%d" % n * 200_000 for n in range(10))
    _, bodies = run(tmp_path, {"a.csv": lines}, LINES, MaxPayloadInMB=1)
    assert max(map(len, bodies)) <= 2**20 + 16
    with pytest.raises(TrainingError, match=r"big\.csv: record 1 is larger than MaxPayloadInMB"):
        run(tmp_path / "big", {"big.csv": b"x" * 2**21}, LINES, MaxPayloadInMB=1)


def test_a_line_over_the_largest_limit_is_refused_and_not_cut_in_two(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"big\.csv: record 1 is larger than MaxPayloadInMB, 104,857,600 bytes"):
        run(tmp_path, {"big.csv": b"x" * (100 * 2**20 + 5)}, LINES, MaxPayloadInMB=100)


def test_whole_files(tmp_path: Path):
    assert run(tmp_path, {"a.png": b"a\nb", "b.png": b"c"}, {})[0] == {"a.png.out": b"A\nB\n", "b.png.out": b"C\n"}


def test_the_record_that_fails_is_named(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"b\.csv: record 2: the model answered 424: it broke"):
        run(tmp_path, {"a.csv": b"x\n", "b.csv": b"x\nbad\n"}, LINES, BatchStrategy="SingleRecord")


def test_a_file_that_is_not_gzip(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"a\.csv cannot be read"):
        run(tmp_path, {"a.csv": b"x\n"}, {**LINES, "CompressionType": "Gzip"})


class FailsOnce(Upper):
    """Handler that fails at the first request of each body."""

    def handle(self, requests: Sequence[InferenceRequest]) -> list[InferenceResponse]:
        earlier, responses = list(self.bodies), super().handle(requests)
        assert all(one.timeout_s == 7.0 for one in requests)
        return [
            response if one.body in earlier else InferenceResponse(424, b"not yet")
            for one, response in zip(requests, responses, strict=True)
        ]


def test_a_failed_request_is_repeated_as_often_as_allowed(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(b"x\ny")
    for retries, client in ((0, {}), (1, {"InvocationsMaxRetries": 1})):
        settings = parse_transform_request(
            {
                "TransformInput": LINES,
                "TransformOutput": {"AssembleWith": "Line"},
                "BatchStrategy": "SingleRecord",
                "ModelClientConfig": {"InvocationsTimeoutInSeconds": 7, **client},
            }
        )
        work = transform_folder(FailsOnce(), settings, tmp_path / "in", tmp_path / "out")
        if not retries:
            with pytest.raises(TrainingError, match="record 1: the model answered 424: not yet"):
                asyncio.run(work)
        else:
            asyncio.run(work)
    assert (tmp_path / "out" / "a.csv.out").read_bytes() == b"X\nY\n"
