from pathlib import Path
from typing import Any

import pytest

from naiad.cli.bench_endpoint import _counts
from naiad.cli.edge import FAILED, MISUSED
from naiad.cli.main import main
from naiad.errors import OptionError


def test_a_list_of_loads() -> None:
    assert _counts(None) is None
    assert _counts("1,8,1024") == [1, 8, 1024]


@pytest.mark.parametrize("text", ["", "0", "1,,2", "a", "-1", "1025", "1.5"])
def test_what_is_no_list_of_loads(text: str) -> None:
    with pytest.raises(OptionError, match="is no list of numbers from 1 to 1024"):
        _counts(text)


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ([], MISUSED, 'Could not find endpoint "shoes"'),
        (["--body", "nowhere.json"], MISUSED, "nowhere.json cannot be read"),
        (["--body", "body.json"], FAILED, "Endpoint shoes not found"),
        (["--duration", "0"], MISUSED, "--duration"),
    ],
)
def test_an_endpoint_or_a_body_that_is_not_there(
    service: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("body.json").write_text("[1]")
    assert main(["bench-endpoint", "shoes", *options]) == status
    assert said in capsys.readouterr().err
