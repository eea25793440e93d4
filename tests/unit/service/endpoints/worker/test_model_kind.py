from pathlib import Path

import pytest

from naiad.service.endpoints.worker.model_kind import find_program, model_kind


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
def test_kind_by_the_files_of_the_folder(tmp_path: Path, names: list[str], kind: str):
    for name in names:
        put(tmp_path / name, executable=True)
    assert model_kind(tmp_path) == kind


def test_a_file_that_is_not_executable_is_not_a_program(tmp_path: Path):
    put(tmp_path / "serve")
    assert find_program(tmp_path) is None
