"""The code uses the field's own words: no old word of decision 10 comes back, and docstrings begin plainly."""

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from syntax_trees import ROOT, SOURCE, Function, docstrings, parameters, python_files, shown, tree_of

DECISION = ROOT / "docs" / "adr" / "0010-the-fields-own-words.md"
RENAMES = ROOT / "docs" / "adr" / "0010-renames.tsv"
FREE_AGAIN = {"Trial", "tune"}
"""Words that were taken from automatic scaling for the search over trials, which decision 18 brought."""
READERS_OF_OLD_FILES = ("old_names.py",)
NOT_A_BEGINNING = {
    "Of", "As", "By", "With", "Those", "What", "Whose", "Where", "In", "On", "For", "From", "To", "At", "Nothing", "Which",
}  # fmt: skip

Defined = tuple[str, str]
"""(kind, name): the kind is module, class, function, method, parameter, field or constant."""


def defined_in(path: Path) -> Iterator[Defined]:
    yield "module", path.stem
    yield from _defined(tree_of(path), inside="module")


def _defined(node: ast.AST, *, inside: str) -> Iterator[Defined]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield "class", child.name
            yield from _defined(child, inside="class")
            continue
        if isinstance(child, Function):
            yield "method" if inside == "class" else "function", child.name
            yield from (("parameter", name) for name in parameters(child))
            yield from _defined(child, inside="function")
            continue
        yield from (target for target in _assigned(child, inside=inside))
        yield from _defined(child, inside=inside)


def _assigned(node: ast.AST, *, inside: str) -> Iterator[Defined]:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name)) if inside != "function":
            yield "field" if inside == "class" else "constant", name
        case ast.Assign(targets=targets) if inside != "function":
            for target in targets:
                yield from (("constant", name.id) for name in ast.walk(target) if isinstance(name, ast.Name))
        case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
            yield "field", name


def sources() -> list[Path]:
    return [path for path in python_files("src") if path.name not in READERS_OF_OLD_FILES]


def old_words() -> dict[str, str]:
    """Old word → new word, from the decision's table."""
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.+?) \|", DECISION.read_text(encoding="utf-8"), flags=re.MULTILINE)
    words_of = {word: new for words, new in rows for word in re.findall(r"`(\w+)`", words)}
    return {word: new for word, new in words_of.items() if word not in FREE_AGAIN}


def renames() -> list[dict[str, str]]:
    with RENAMES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_no_old_word_of_the_decision_is_defined() -> None:
    old = old_words()
    assert len(old) > 50
    back = {
        f"{shown(path)}: {kind} {name}": old[name]
        for path in sources()
        for kind, name in defined_in(path)
        if name in old
    }
    assert back == {}, "say the word on the right"


def test_no_renamed_thing_has_its_old_name() -> None:
    """A rename holds in its room, for things of its kind."""
    rows = renames()
    assert len(rows) > 500
    by_old_name: dict[Defined, list[dict[str, str]]] = {}
    for row in rows:
        by_old_name.setdefault((row["kind"], row["old"]), []).append(row)
    back = [
        (shown(path), row["old"], row["new"])
        for path in sources()
        for name in set(defined_in(path))
        for row in by_old_name.get(name, [])
        if path.is_relative_to(SOURCE / row["room"])
    ]
    assert back == []


def test_docstrings_begin_with_what_they_are_about() -> None:
    begin = {
        f"{shown(path)}:{line}": text.splitlines()[0]
        for path in python_files("src", "tests", "benchmarks", "examples", ".ci")
        for line, text in docstrings(path)
        if text.split()[0].strip("`,.:") in NOT_A_BEGINNING
    }
    assert begin == {}
