"""Files, functions and signatures stay small."""

import ast

from syntax_trees import functions, parameters, python_files, shown

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 7
PUBLIC_VERBS = {
    "fit",
    "tune",
    "preflight",
    "inspect",
    "connect",
    "NaiadClassifier.__init__",
    "NaiadRegressor.__init__",
    "Connection.fit",
    "Connection.deploy",
}
"""Functions that take what users say, each argument with a default."""


def test_files_are_short() -> None:
    """A longer file has two thoughts: split it by noun."""
    lines = {
        shown(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files("src", "tests", "benchmarks", "examples", ".ci")
    }
    assert {name: count for name, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    """A public verb's docstring, which explains every argument, does not count."""
    long = {
        f"{shown(path)}:{name}": lines
        for path in python_files("src")
        for name, function in functions(path)
        if (lines := count_lines(function) - (count_docstring_lines(function) if name in PUBLIC_VERBS else 0))
        > MAX_FUNCTION_LINES
    }
    assert long == {}


def count_lines(node: ast.stmt) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def count_docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return count_lines(function.body[0]) if ast.get_docstring(function) is not None else 0


def test_signatures_are_short() -> None:
    """A command of the command line is a public verb, too: typer reads its options from its parameters."""
    wide = {
        f"{shown(path)}:{name}": len(parameters(function))
        for path in python_files("src")
        if "/cli/" not in shown(path)
        for name, function in functions(path)
        if len(parameters(function)) > MAX_PARAMETERS and name not in PUBLIC_VERBS
    }
    assert wide == {}
