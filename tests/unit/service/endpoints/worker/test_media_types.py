import pytest

from naiad.service.endpoints.worker.media_types import accepted, media_type

OFFERED = ("application/json", "text/csv", "application/x-npy")


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("text/csv; Header=Present", "text/csv", {"header": "present"}),
        ('Application/JSON;charset="utf-8"', "application/json", {"charset": "utf-8"}),
        ("", "", {}),
    ],
)
def test_a_type_and_its_parameters(text: str, name: str, parameters: dict[str, str]):
    found, given = media_type(text)
    assert (found, dict(given)) == (name, parameters)


@pytest.mark.parametrize(
    ("accept", "wanted"),
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
    ],
)
def test_the_one_that_is_wanted_most(accept: str, wanted: str | None):
    assert accepted(accept, OFFERED) == wanted
