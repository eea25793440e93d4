from pathlib import Path

import pytest

from naiad.service.endpoints.worker.inference import Unfit
from naiad.service.endpoints.worker.model_kind import kind_of, open_user_handler, program_in
from naiad.service.endpoints.worker.program_handler import ProgramHandler


def put(path: Path, *, executable: bool = False) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    path.chmod(0o755 if executable else 0o644)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["naiad.json", "serve"], "artifact"),
        (["serve"], "program"),
        (["code/serve"], "program"),
        (["model.pt"], "script"),
        ([], "script"),
    ],
)
def test_kinds(tmp_path: Path, names: list[str], kind: str):
    for name in names:
        put(tmp_path / name, executable=True)
    assert kind_of(tmp_path) == kind


def test_what_cannot_be_executed_is_no_program(tmp_path: Path):
    put(tmp_path / "serve")
    assert program_in(tmp_path) is None


def test_handlers(tmp_path: Path):
    put(tmp_path / "serve", executable=True)
    assert isinstance(open_user_handler(tmp_path, {}), ProgramHandler)
    (tmp_path / "serve").unlink()
    with pytest.raises(Unfit, match="one weights file"):
        open_user_handler(tmp_path, {})
