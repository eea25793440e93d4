"""Forms with a file, as browsers send them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as some

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.http.form_data import MAX_FIELDS_BYTES, is_form, read_form
from naiad.service.gateway.http.request import Request

TYPE = 'multipart/form-data; boundary="XX"'


def make_form(*fields, file=b"content", head='form-data; name="file"; filename="x.txt"', after=b"\r\n--XX--\r\n"):
    rows = [f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    return "".join(rows).encode() + f"--XX\r\nContent-Disposition: {head}\r\n\r\n".encode() + file + after


def read(body, content_type=TYPE, *, size=10**6):
    async def pieces():
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def parse():
        form = await read_form(Request("POST", "/b", "", {"content-type": content_type}), pieces())
        return form, b"".join([piece async for piece in form.content])

    return asyncio.run(parse())


@given(
    content=some.binary(max_size=60)
    | some.lists(some.sampled_from([b"\r\n", b"--", b"XX", b"-", b"\r"])).map(b"".join),
    value=some.text(some.characters(categories=["L", "N"]), max_size=20),
    size=some.integers(1, 40),
)
def test_fields_and_file_however_the_body_is_cut(content, value, size):
    if b"\r\n--XX" in b"\r\n" + content or (content + b"\r\n--XX").find(b"\r\n--XX") < len(content):
        return
    form, read_content = read(make_form(("Key", "a b"), ("x", value), file=content), size=size)
    assert (form.fields, form.file_name, read_content) == ({"key": "a b", "x": value}, "x.txt", content)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ('form-data; name="file"; filename="C:\\\\photos\\\\x.jpg"', "x.jpg"),
        ('form-data; name="file"; filename="/home/me/x.jpg"', "x.jpg"),
        ('form-data; name="file"', ""),
        ('form-data; filename="x"; name="FILE"', "x"),
    ],
)
def test_the_name_of_the_file(head, name):
    assert read(make_form(head=head))[0].file_name == name


def test_a_field_may_have_a_file_name_too():
    body = (
        b'--XX\r\nContent-Disposition: form-data; name="key"; filename="key"\r\nContent-Type: text/plain\r\n\r\nk\r\n'
    )
    assert read(body + make_form())[0].fields == {"key": "k"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", TYPE),
        (make_form(), "multipart/form-data"),
        (make_form(), 'multipart/form-data; boundary="' + "X" * 71 + '"'),
        (make_form(after=b""), TYPE),
        (b'--XX\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--XX--\r\n\r\n', TYPE),
        (make_form(("a", "x" * MAX_FIELDS_BYTES)), TYPE),
        (make_form(*[(str(number), "x" * 500) for number in range(50)]), TYPE),
        (b"x" * (MAX_FIELDS_BYTES + 10), TYPE),
    ],
)
def test_forms_that_cannot_be_read(body, content_type):
    with pytest.raises(Invalid):
        read(body, content_type)


def test_what_is_a_form():
    def request(method, content_type):
        return Request(method, "/b", "", {"content-type": content_type})

    assert is_form(request("POST", TYPE))
    assert not is_form(request("PUT", TYPE))
    assert not is_form(request("POST", "application/xml"))
