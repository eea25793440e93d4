"""Commands print through ``cli/output.py`` alone, which shows no text of others as it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from syntax_trees import SOURCE, python_files, shown, tree_of

COMMANDS = SOURCE / "cli"
WRITERS = {"output.py"}
PAGE_WRITERS = {"reference.py"}
"""Programs that write a page of the documentation; no command prints by them."""
CALLS = {"print", "echo", "secho", "print_exc", "print_exception", "Console", "StreamHandler"}
STREAMS = {"stdout", "stderr"}
ALLOWED = {("run_command.py", "stdout"), ("serve.py", "StreamHandler")}
"""The end of the process flushes; the server's log has a formatter of ``output.py``."""


def uses(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in CALLS:
                yield name
        elif isinstance(node, ast.Attribute) and node.attr in STREAMS:
            yield node.attr


def test_only_one_file_of_the_command_line_writes() -> None:
    found = {
        (shown(path), use)
        for path in python_files("src")
        if path.is_relative_to(COMMANDS) and path.name not in WRITERS | PAGE_WRITERS
        for use in uses(path)
        if (path.name, use) not in ALLOWED
    }
    assert found == set(), "print by a function of cli/output.py"


def test_the_check_sees_what_it_looks_for() -> None:
    assert {"stdout", "stderr", "Console"} <= set(uses(COMMANDS / "output.py"))
