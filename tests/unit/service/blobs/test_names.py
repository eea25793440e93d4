import pytest

from naiad.service.blobs.names import MAX_FOLDERS, check_bucket_name, check_key, key_to_names, parse_entry
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
        ("a/" * 64 + "b", (*["a"] * 64, "b@")),
        ("a/" * 65 + "b", (*["a"] * 64, "a%2Fb@")),
    ],
)
def test_a_key_has_readable_names(key, names):
    assert key_to_names(key) == names


@pytest.mark.parametrize(
    "key",
    [
        "x" * 199,
        "x" * 200,
        "x" * 1024,
        "%" * 500,
        "ü" * 512,
        "😀" * 256,
        "." * 700,
        "/" * 1024,
        "a/" * 512,
        "../" * 341,
    ],
)
def test_names_are_short_and_give_the_key_back(key):
    names = key_to_names(key)
    assert all(len(name.encode()) <= 255 and name not in ("", ".", "..") and "/" not in name for name in names)
    assert "".join(parse_entry(name).text for name in names) == key
    assert [parse_entry(name).is_object for name in names] == [False] * (len(names) - 1) + [True]


@pytest.mark.parametrize("key", ["/" * 1023 + "x", "a/" * 511 + "x", "../" * 341])
def test_a_key_of_a_thousand_slashes_makes_few_folders(key):
    """Each folder is synced by itself, so that a thousand took seconds."""
    assert len(key_to_names(key)) <= MAX_FOLDERS + 1024 * 3 // 200 + 1


def test_a_long_component_is_cut_at_the_same_place():
    first = key_to_names("x" * 200 + "!")[0]
    assert first == key_to_names("x" * 300)[0] == key_to_names("x" * 200 + "/y")[0] == key_to_names("x" * 200)[0]
    assert key_to_names("x" * 199) == ("x" * 199 + "@",)


@pytest.mark.parametrize("name", ["a@b", "a%2fb@", "%2F", "%41@", ".hidden", "", "@", "a%", "\udcff@", "a@more@"])
def test_foreign_names_are_ignored(name):
    assert parse_entry(name) is None


@pytest.mark.parametrize("key", ["", "x" * 1025, "\udc80"])
def test_an_invalid_key_is_refused(key):
    with pytest.raises(Invalid):
        check_key(key)


def test_bucket_names():
    assert check_bucket_name("a.b-c") == "a.b-c"
    for name in ("ab", "A" * 3, "a..b", "-ab", "10.0.0.1", "a/b", "a" * 64):
        with pytest.raises(Invalid, match="3 to 63"):
            check_bucket_name(name)
