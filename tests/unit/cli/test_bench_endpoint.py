from pathlib import Path
from typing import Any

import pytest

from naiad.cli.bench_endpoint import _parse_counts
from naiad.cli.main import main
from naiad.cli.run_command import FAILURE, USAGE_ERROR
from naiad.errors import OptionError


def test_a_list_of_connections() -> None:
    assert _parse_counts(None) is None
    assert _parse_counts("1,8,1024") == [1, 8, 1024]


@pytest.mark.parametrize("text", ["", "0", "1,,2", "a", "-1", "1025", "1.5"])
def test_a_text_that_is_no_list_of_numbers(text: str) -> None:
    with pytest.raises(OptionError, match="is no list of numbers from 1 to 1024"):
        _parse_counts(text)


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ([], USAGE_ERROR, 'Could not find endpoint "shoes"'),
        (["--body", "nowhere.json"], USAGE_ERROR, "nowhere.json cannot be read"),
        (["--body", "body.json"], FAILURE, "Endpoint shoes not found"),
        (["--duration", "0"], USAGE_ERROR, "--duration"),
    ],
)
def test_a_missing_endpoint_or_body_is_an_error(
    service: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("body.json").write_text("[1]")
    assert main(["bench-endpoint", "shoes", *options]) == status
    assert message in capsys.readouterr().err
