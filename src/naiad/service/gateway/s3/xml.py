"""XML, written and read. Input may have no DOCTYPE: no entities and nothing external.

It is bounded in size, depth, elements and the length of a tag, and is read in time that grows with its size.
"""

import datetime as dt
from dataclasses import dataclass, field
from xml.parsers import expat

from naiad.service.domain.errors import Invalid

MAX_BYTES = 4 * 2**20
"""The limit of a list of objects or parts."""
MAX_SMALL_BYTES = 64 * 1024
"""The limit of every other document: tags, an ACL, a bucket's configuration."""
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_MAX_DEPTH = 8
MAX_ELEMENTS = 100_000
"""Enough for the list of 10,000 parts with all their checksums."""
_MAX_TAGS = 2 * MAX_ELEMENTS + 100
_MAX_PIECE_BYTES = 64 * 1024
"""The longest tag with the text after it. A key has at most 6 KiB, escaped."""
_ENTITIES = {code: f"&#{code};" for code in (*range(32), 127)}
_ENTITIES |= {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}


@dataclass
class Node:
    name: str
    text: str = ""
    children: list["Node"] = field(default_factory=list)
    attributes: str = ""
    """The text of the attributes in the tag."""

    def all(self, name: str) -> list["Node"]:
        """Returns the children of that name."""
        return [child for child in self.children if child.name == name]

    def value(self, name: str) -> str | None:
        """Returns the text of the first child of that name."""
        return next((child.text for child in self.children if child.name == name), None)


def element(name: str, *content: "Node | str | int | None") -> Node:
    """``content``: children, or text; None is left out."""
    children, text = [], ""
    for part in content:  # a list of a thousand keys has seven thousand elements
        if isinstance(part, Node):
            children.append(part)
        elif part is not None:
            text += str(part)
    return Node(name, text, children)


def optional_element(name: str, text: str | None) -> Node | None:
    """Returns None where there is no text."""
    return element(name, text) if text else None


def s3_document(root: Node) -> bytes:
    """Returns a document in S3's namespace."""
    root.attributes = f' xmlns="{_NAMESPACE}"'
    return to_xml(root)


def to_xml(root: Node) -> bytes:
    pieces = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _write(root, pieces)
    return "".join(pieces).encode("utf-8", "replace")


def format_time(time: dt.datetime) -> str:
    """Returns ISO 8601 in UTC, in whole seconds as S3 has them: a list and a HEAD give the same time."""
    return time.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="seconds") + ".000Z"


def parse_xml(data: bytes) -> Node:
    """Blocks, in time that grows with the size: for a thread. Raises Invalid."""
    _check_tags(data)
    builder = _TreeBuilder()
    parser = expat.ParserCreate()  # without namespaces: expat would copy the URI of each into every name
    parser.buffer_text = True  # else each line of a text comes by itself
    parser.StartDoctypeDeclHandler = builder.reject_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.add_text
    try:
        parser.Parse(data, True)  # noqa: FBT003 - it takes no keywords
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that is not known
        raise Invalid(f"the body is not well-formed XML: {error}") from None
    return builder.root.children[0]


def _check_tags(data: bytes) -> None:
    """Raises Invalid for more tags than elements can have, and for a long tag: expat reads its attributes in one step."""
    if data.count(b"<") > _MAX_TAGS:
        raise Invalid(f"the body has more than {_MAX_TAGS:,} tags")
    start = 0
    while start < len(data):
        end = data.find(b"<", start + 1)
        end = end if end >= 0 else len(data)
        if end - start > _MAX_PIECE_BYTES:
            raise Invalid(f"a tag with its text is longer than {_MAX_PIECE_BYTES:,} bytes")
        start = end


class _TreeBuilder:
    def __init__(self) -> None:
        self.root = Node("")
        self._open = [self.root]
        self._texts: list[list[str]] = [[]]
        """The pieces of text of each open element: adding each piece to a text would copy the text each time."""
        self._count = 0

    def reject_doctype(self, *_: object) -> None:
        raise Invalid("the body has a DOCTYPE; leave it out")

    def start(self, name: str, _attributes: object) -> None:
        if len(self._open) > _MAX_DEPTH:
            raise Invalid(f"the body is nested more than {_MAX_DEPTH} deep")
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise Invalid(f"the body has more than {MAX_ELEMENTS:,} elements")
        node = Node(name.rpartition(":")[2])
        self._open[-1].children.append(node)
        self._open.append(node)
        self._texts.append([])

    def end(self, _name: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def add_text(self, text: str) -> None:
        self._texts[-1].append(text)


def _write(node: Node, pieces: list[str]) -> None:
    pieces.append(f"<{node.name}{node.attributes}>")
    pieces.append(_escape(node.text))
    for child in node.children:
        _write(child, pieces)
    pieces.append(f"</{node.name}>")


def _escape(text: str) -> str:
    return text.translate(_ENTITIES)
