"""Tests mirror the source, file for file."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE, TESTS = ROOT / "src" / "naiad", ROOT / "tests" / "unit"
ELSEWHERE = {
    # Commands are tested as a user types them: tests/e2e/test_cli.py, tests/e2e/test_bad_input.py.
    "cli/doctor.py",
    "cli/inspect.py",
    "cli/nets.py",
    "cli/options.py",
    "cli/predict.py",
    "cli/results.py",
    "cli/test.py",
    "cli/verify_resume.py",
    # tests/architecture/test_reference.py
    "cli/reference.py",
    # Nouns without behaviour of their own.
    "trainer/data/dataset.py",
    "trainer/data/findings.py",
    # tests/unit/trainer/data/features/test_fit.py
    "trainer/data/features/choice.py",
}


def test_every_file_has_a_test_of_its_name():
    files = [path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if not path.name.startswith("__")]
    without = {str(file) for file in files if not (TESTS / file.parent / f"test_{file.name}").is_file()}
    assert without == ELSEWHERE
