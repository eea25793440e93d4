"""The key of a posted file."""

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.http.form_data import Form
from naiad.service.gateway.s3.post_object import posted_key


def form(key: str, file_name: str) -> Form:
    return Form({"key": key}, file_name, None)


def test_the_name_of_the_file_stands_in_the_key():
    assert posted_key(form("up/${filename}", "a.txt")) == "up/a.txt"


def test_a_name_that_stands_in_the_key_thousands_of_times():
    """A form of 20 KiB made a key of 7 MB, which was quoted on the event loop."""
    with pytest.raises(Invalid, match="a key of 7"):
        posted_key(form("${filename}" * 1_800, "x" * 4_000))
