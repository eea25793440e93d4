import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from naiad.cli import endpoints
from naiad.cli.endpoints import _parse_answer, _print_answer, read_engine_lines
from naiad.cli.main import main
from naiad.cli.run_command import SUCCESS, USAGE_ERROR
from naiad.client.connection import connect

ENGINES = (
    "naiad: engine onnxruntime 12 µs a sample",
    "naiad: engine torch 137 µs a sample",
    "naiad: engine chosen: onnxruntime",
)


def out(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = SUCCESS) -> str:
    assert main(["endpoints", *arguments]) == status
    captured = capsys.readouterr()
    return captured.out if status == SUCCESS else captured.err


def deploy(service: Any, tmp_path: Path, name: str, reason: str = "") -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"an archive")
    connect().deploy(tmp_path / "model.tar.gz", name, wait=False)
    service.finish_deployment(name, reason)


def test_the_newest_come_first(service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(service, tmp_path, "old")
    deploy(service, tmp_path, "new", "OSError: no weights")
    lines = out(capsys, "list").splitlines()
    assert lines[0].split() == ["name", "status", "changed"]
    assert [line.split()[:2] for line in lines[1:]] == [["new", "Failed"], ["old", "InService"]]
    assert [one["EndpointName"] for one in json.loads(out(capsys, "list", "--json"))] == ["new", "old"]


def test_show_prints_why_it_failed(service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(service, tmp_path, "bad", "OSError: no weights (inference.py, line 2)")
    shown = out(capsys, "show", "bad")
    assert "status    Failed" in shown
    assert "failed    OSError: no weights (inference.py, line 2)" in shown


def test_show_prints_variants_and_the_engines_of_the_last_deployment(
    service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(service, tmp_path, "shoes")
    old = tuple(line.replace("engine ", "engine old-") for line in ENGINES[:2])
    service.log_endpoint("shoes", "AllTraffic/deployment", *old, "naiad: engine chosen: old-torch", *ENGINES)
    service.log_endpoint("shoes", "AllTraffic/1", "the user's engine starts")
    shown = out(capsys, "show", "shoes").splitlines()
    assert shown[-3:] == [line.removeprefix("naiad: ") for line in ENGINES]
    assert not any("old" in line or "user" in line for line in shown)
    assert any(line.split()[:1] == ["AllTraffic"] for line in shown)
    assert json.loads(out(capsys, "show", "shoes", "--json"))["Engines"] == shown[-3:]


def test_show_prints_shadows_and_numbers_that_go_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def variant(name: str, now: int, wanted: int) -> dict[str, Any]:
        return {"VariantName": name, "CurrentWeight": 1, "CurrentInstanceCount": now, "DesiredInstanceCount": wanted}

    description = {
        "EndpointStatus": "InService",
        "EndpointConfigName": "c",
        "ProductionVariants": [variant("blue", 1, 0)],
        "ShadowProductionVariants": [variant("dark", 1, 2)],
    }
    monkeypatch.setattr(
        endpoints, "make_client", lambda _: SimpleNamespace(describe_endpoint=lambda **_: dict(description))
    )
    monkeypatch.setattr(endpoints, "read_engine_lines", lambda _: [])
    rows = [line.strip().split(maxsplit=2) for line in out(capsys, "show", "shoes").splitlines()[-2:]]
    assert rows == [["blue", "1", "1, going down to 0"], ["dark", "shadow", "1 of 2"]]


def test_engine_lines_of_several_variants_begin_with_the_variant(service: Any, tmp_path: Path) -> None:
    deploy(service, tmp_path, "shoes")
    for variant in ("blue", "green"):
        service.log_endpoint("shoes", f"{variant}/deployment", *ENGINES)
    lines = read_engine_lines("shoes")
    assert len(lines) == 6
    assert [line.partition("  ")[0] for line in lines] == ["blue"] * 3 + ["green"] * 3


def test_logs_name_the_replica(service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(service, tmp_path, "shoes")
    assert out(capsys, "logs", "shoes") == ""
    service.log_endpoint("shoes", "AllTraffic/1", "one", "two")
    assert out(capsys, "logs", "shoes").splitlines() == ["[AllTraffic/1] one", "[AllTraffic/1] two"]


def test_delete(service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(service, tmp_path, "shoes")
    out(capsys, "delete", "shoes")
    assert "status    Deleting" in out(capsys, "show", "shoes")


@pytest.mark.parametrize("command", ["show", "logs", "delete"])
def test_a_missing_endpoint_is_an_error(service: Any, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 'Could not find endpoint "nothing"' in out(capsys, command, "nothing", status=USAGE_ERROR)


def test_a_missing_file_or_endpoint_is_an_error(
    service: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing.png")
    assert "missing.png cannot be read" in out(capsys, "invoke", "shoes", missing, status=USAGE_ERROR)
    (tmp_path / "a.png").touch()
    assert "Endpoint shoes not found" in out(capsys, "invoke", "shoes", str(tmp_path / "a.png"), status=USAGE_ERROR)


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        (b'{"labels": ["cat"], "scores": [[0.25, 0.75]]}', "a.png\tcat\t0.7500\n"),
        (b'{"labels": [1.5], "scores": [[1.5]]}', "a.png\t1.5\n"),
        (b'{"labels": ["a", "b"], "scores": [[1, 0], [0, 1]]}', "a.png row 0\ta\t1.0000\na.png row 1\tb\t1.0000\n"),
        (b"[2, 4]", "[2, 4]\n"),
        (b"plain", "plain\n"),
        (b"one\r\ntwo\x1b[A", "one\ntwo\\x1b[A\n"),
        (b'{"labels": ["a\\tb\\nc\\u001b"], "scores": [[1, 0]]}', "a.png\ta\\tb\\nc\\x1b\t1.0000\n"),
    ],
)
def test_answers_are_printed(answer: bytes, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    _print_answer("a.png", answer)
    assert capsys.readouterr().out == printed


def test_an_answer_that_is_not_json_is_a_text_in_json() -> None:
    assert (_parse_answer(b"[1]"), _parse_answer(b"plain \xff")) == ([1], "plain �")


def test_lines_of_a_model_are_not_taken_for_what_was_measured(service: Any, tmp_path: Path) -> None:
    deploy(service, tmp_path, "shoes")
    service.log_endpoint("shoes", "AllTraffic/deployment", *ENGINES)
    service.log_endpoint(
        "shoes", "AllTraffic/1", "program: naiad: engine chosen: mine", "see naiad: engine chosen: mine"
    )
    assert read_engine_lines("shoes") == [line.removeprefix("naiad: ") for line in ENGINES]
