"""No module imports itself through others: imports inside functions, for types, and by a module's name in a string count."""

import ast
import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "src"
LAZY_TABLE = "naiad"
"""The package's own ``__init__`` names its public modules for type checkers and in strings, so that importing it stays light."""
_DOTTED = re.compile(r"\bnaiad(?:\.\w+)+")


def module_names() -> dict[str, Path]:
    names = {}
    for path in sorted((ROOT / "naiad").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports_of(name: str, tree: ast.Module, modules: dict[str, Path]) -> set[str]:
    if name == LAZY_TABLE:
        return set(imported(tree.body, modules))
    return {*imported(ast.walk(tree), modules), *named_in_strings(tree, modules)} - {name}


def imported(nodes: Iterable[ast.AST], modules: dict[str, Path]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (member if member in modules else node.module for member in members)


def named_in_strings(tree: ast.Module, modules: dict[str, Path]) -> Iterator[str]:
    """``python -m naiad.room`` runs the room's ``__main__``."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            for dotted in _DOTTED.findall(node.value):
                yield from (name for name in (dotted, f"{dotted}.__main__") if name in modules)


def test_there_is_no_cycle() -> None:
    modules = module_names()
    graph = {name: imports_of(name, ast.parse(path.read_text("utf-8")), modules) for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError("imported in a circle: " + " → ".join(reversed(error.args[1]))) from None


def test_a_name_in_a_string_counts() -> None:
    modules = {"naiad.a": ROOT, "naiad.b": ROOT, "naiad.b.__main__": ROOT}
    by_string = ast.parse('"""Not naiad.a."""\nrun(["python", "-m", "naiad.b"])\n')
    assert imports_of("naiad.a", by_string, modules) == {"naiad.b", "naiad.b.__main__"}
    assert imports_of("naiad.b", ast.parse("def f():\n    from naiad import a\n"), {**modules, "naiad": ROOT}) == {
        "naiad.a"
    }
