"""XML, written and read."""

import datetime as dt

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
