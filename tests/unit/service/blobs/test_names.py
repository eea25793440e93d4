import pytest

from naiad.service.blobs.names import check_bucket, check_key, entry_of, names_of
from naiad.service.domain.errors import Invalid


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("a", ("a@",)),
        ("a/b.csv", ("a", "b.csv@")),
        ("a//b", ("a", "%", "b@")),
        ("/a", ("%", "a@")),
        ("a/", ("a", "%@")),
        ("..", ("%2E.@",)),
        ("../x", ("%2E.", "x@")),
        ("a@b%", ("a%40b%25@",)),
        ("\x00\n", ("%00%0A@",)),
        ("größe 1", ("größe 1@",)),
    ],
)
def test_a_key_has_readable_names(key, names):
    assert names_of(key) == names


@pytest.mark.parametrize(
    "key", ["x" * 199, "x" * 200, "x" * 1024, "%" * 500, "ü" * 512, "😀" * 256, "." * 700, "/" * 1024]
)
def test_names_are_short_and_say_the_key_again(key):
    names = names_of(key)
    assert all(len(name.encode()) <= 255 and name not in ("", ".", "..") and "/" not in name for name in names)
    assert "".join(entry_of(name).text for name in names) == key
    assert [entry_of(name).is_object for name in names] == [False] * (len(names) - 1) + [True]


def test_what_is_cut_begins_nothing_else_in_its_folder():
    first = names_of("x" * 200 + "!")[0]
    assert first == names_of("x" * 300)[0] == names_of("x" * 200 + "/y")[0] == names_of("x" * 200)[0]
    assert names_of("x" * 199) == ("x" * 199 + "@",)


@pytest.mark.parametrize("name", ["a@b", "a%2fb@", "%2F", "%41@", ".hidden", "", "@", "a%", "\udcff@", "a@more@"])
def test_names_of_others_are_passed_over(name):
    assert entry_of(name) is None


@pytest.mark.parametrize("key", ["", "x" * 1025, "\udc80"])
def test_no_key(key):
    with pytest.raises(Invalid):
        check_key(key)


def test_bucket_names():
    assert check_bucket("a.b-c") == "a.b-c"
    for name in ("ab", "A" * 3, "a..b", "-ab", "10.0.0.1", "a/b", "a" * 64):
        with pytest.raises(Invalid, match="3 to 63"):
            check_bucket(name)
