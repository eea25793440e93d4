import pytest

from naiad.service.endpoints.worker.media_types import choose_media_type, parse_media_type, preferred_media_type

OFFERED = ("application/json", "text/csv", "application/x-npy")


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("text/csv; Header=Present", "text/csv", {"header": "present"}),
        ('Application/JSON;charset="utf-8"', "application/json", {"charset": "utf-8"}),
        ("", "", {}),
    ],
)
def test_type_and_parameters(text: str, name: str, parameters: dict[str, str]):
    media_type, parsed_parameters = parse_media_type(text)
    assert (media_type, dict(parsed_parameters)) == (name, parameters)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv", "text/csv"),
        ("text/csv;q=0.5, application/x-npy", "application/x-npy"),
        ("image/png, */*;q=0.1", "application/json"),
        ("application/x-npy;q=0", None),
        ("image/png", None),
        ("text/csv;q=much", None),
        ("application/json;q=0, */*", "text/csv"),
        ("*/*, application/json;q=0.1", "text/csv"),
        ("application/*;q=0.9, application/json;q=0.1, text/csv;q=0.5", "application/x-npy"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/json"),
        ("application/x-npy, text/csv", "application/x-npy"),
        ("text/csv; q=0.2 , application/json ; q=0.3; charset=utf-8", "application/json"),
        ("*", "application/json"),
        ("*/*;q=0", None),
        ("text/csv;q=nan", None),
    ],
)
def test_the_offered_type_of_highest_quality_is_chosen(accept: str, expected: str | None):
    assert choose_media_type(accept, OFFERED) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", ""),
        ("text/csv;q=0.5, text/x-own", "text/x-own"),
        ("text/csv, text/x-own", "text/csv"),
        ("text/csv;q=0.5, */*", "*/*"),
        ("text/csv;q=0", ""),
    ],
)
def test_the_type_that_a_program_is_asked_for(accept: str, expected: str):
    assert preferred_media_type(accept) == expected
