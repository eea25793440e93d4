"""A missing optional package gives one sentence that names its extra; commands that do not need it work."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from naiad.cli.main import main
from naiad.extras import EXTRAS

PROGRAM = Path(__file__).with_name("hide_packages.py")
SERVER_PACKAGES = [name for name in EXTRAS["service"] if name not in ("onnxruntime", "cryptography")]
ROWS = [f"{row % 7},{row % 5},{('low', 'high')[row % 2]}" for row in range(60)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The result of each command, by the package that was hidden; ``all`` where all of them were."""
    folder = tmp_path_factory.mktemp("hidden")
    server = ("NAIAD_STATE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in server}
    environment |= {"NAIAD_STATE": str(folder / "no-server"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    by_package: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return by_package


def refusal(package: str, extra: str) -> str:
    return f"the package {package} is not installed; it belongs to the extra '{extra}'"


@pytest.mark.parametrize(
    ("package", "extra"), [*((name, "service") for name in SERVER_PACKAGES), ("psycopg", "postgres")]
)
def test_a_server_names_the_extra(results: dict[str, dict[str, Any]], package: str, extra: str) -> None:
    status, out, errors = results[package]["serve"]
    assert (status, out) == (2, "")
    assert errors.endswith(
        f"error: {refusal(package, extra)}\n\nhint: in the clone of Naiad: pip install -e '.[{extra}]'\n"
    )


def test_a_server_needs_cryptography_only_for_the_proxy(results: dict[str, dict[str, Any]]) -> None:
    status, _, errors = results["cryptography"]["serve"]
    assert status == 2
    assert "the package cryptography, which is not installed" in errors
    assert (
        "hint: in the clone of Naiad: pip install -e '.[service]'; or do without: naiad serve --no-aws-hosts" in errors
    )


@pytest.mark.parametrize("package", ["boto3", "botocore"])
def test_clients_name_the_extra(results: dict[str, dict[str, Any]], package: str) -> None:
    hint = "in the clone of Naiad: pip install -e '.[service]'"
    clients = {name: result for name, result in results[package].items() if name != "serve"}
    calls = {name: clients.pop(name) for name in ("connect", "Model.deploy")}
    assert len(clients) == 12
    for name, (status, out, errors) in clients.items():
        assert (status, out, errors) == (2, "", f"error: {refusal(package, 'service')}\n\nhint: {hint}\n"), name
    for name, (error, text) in calls.items():
        assert (error, text) == ("PackageError", f"{refusal(package, 'service')}\nhint: {hint}"), name


def test_commands_that_load_no_torch_work_without_any_of_them(results: dict[str, dict[str, Any]]) -> None:
    for name, (status, _, errors) in results["all"].items():
        assert (status, errors) == (0, ""), name


def test_the_library_works_without_any_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs here, where torch is loaded already; a module that is None in sys.modules cannot be imported."""
    optional = {package for packages in EXTRAS.values() for package in packages}
    loaded = {name for name in sys.modules if name.partition(".")[0] in optional}
    for name in optional | loaded:
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "table.csv").write_text("\n".join(["x,y,kind", *ROWS]) + "\n", encoding="utf-8")
    table, run = str(tmp_path / "table.csv"), str(tmp_path / "run")
    for words in (
        ["nets"],
        ["inspect", table],
        ["train", "mlp", table, "--label", "kind", "--epochs", "1", "--no-report", "--out", run],
        ["predict", run, table],
    ):
        assert main(words) == 0
