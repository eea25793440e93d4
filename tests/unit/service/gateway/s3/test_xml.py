"""XML, written and read."""

import datetime as dt
import time

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.s3.xml import element, format_time, optional_element, parse_xml, s3_document, to_xml


def test_written():
    root = element("A", element("B", 'x<&>"\r\x01'), optional_element("C", ""), element("D", 7))
    assert to_xml(root).decode().endswith("<A><B>x&lt;&amp;&gt;&quot;&#13;&#1;</B><D>7</D></A>")
    assert b'<A xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in s3_document(root)


def test_read():
    root = parse_xml(b'<A xmlns="urn:x"><B>1</B><B> 2 </B><C/></A>')
    assert (root.name, [node.text for node in root.all("B")], root.value("C"), root.value("D")) == (
        "A",
        ["1", " 2 "],
        "",
        None,
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<?xml version='1.0' encoding='utf-7'?><A/>",
        b"<?xml version='1.0' encoding='nobody'?><A/>",
        b"<A>",
        b"no",
        b'<!DOCTYPE a [<!ENTITY x "y">]><A>&x;</A>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><A/>',
        b"<A>&x;</A>",
        b"<A>" * 20 + b"</A>" * 20,
        b"\xff",
    ],
)
def test_rejected_documents(body):
    with pytest.raises(Invalid):
        parse_xml(body)


def test_times():
    assert format_time(dt.datetime(2026, 1, 2, 3, 4, 5, 6789, tzinfo=dt.UTC)) == "2026-01-02T03:04:05.000Z"


@pytest.mark.parametrize(
    "body",
    [
        b"<A>" + b"<B>\n</B>" * 90_000 + b"\n" * 60_000 + b"</A>",
        b"<A>" + b"<B>" + b"&#10;" * 12_000 + b"</B></A>",
        b'<A xmlns="' + b"u" * 60_000 + b'">' + b"<B/>" * 99_000 + b"</A>",
        b"<A>" + b"".join(b"<B>" + b"\n" * 30_000 + b"</B>" for _ in range(100)) + b"</A>",
    ],
    ids=["elements with lines", "references", "a long namespace", "texts of lines"],
)
def test_the_time_grows_with_the_size(body):
    """Each line of a text copied all lines before it, and a namespace was copied into each name."""
    started = time.perf_counter()
    parse_xml(body)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<A>" + b"<B/>" * 100_001 + b"</A>", "more than"),
        (b"<A>" + b"<B></B>" * 100_001 + b"</A>", "more than"),
        (b"<A " + b"".join(b'a%d="" ' % number for number in range(100_000)) + b"/>", "longer than"),
        (b"<A>" + b"x" * 70_000 + b"</A>", "longer than"),
        (b"<" * 400_000, "more than"),
        (b"<A>" + b"\n" * (3 * 2**20) + b"</A>", "longer than"),
    ],
    ids=["elements", "elements with ends", "attributes", "a text", "nothing but brackets", "3 MB of lines"],
)
def test_more_than_any_document_has(body, reason):
    with pytest.raises(Invalid, match=reason):
        parse_xml(body)


def test_prefixes_do_not_count():
    root = parse_xml(b'<s:A xmlns:s="urn:x"><s:B>1</s:B><C>2</C></s:A>')
    assert (root.name, root.value("B"), root.value("C")) == ("A", "1", "2")


def test_a_text_in_pieces_is_one_text():
    assert parse_xml(b"<A>a\n<B>b</B>&amp;<![CDATA[<c>]]>\n</A>").text == "a\n&<c>\n"
