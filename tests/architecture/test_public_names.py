"""The public names: few, sorted, and importable."""

import pytest

import naiad


def test_names_are_sorted_and_listed_once() -> None:
    assert list(naiad.__all__) == sorted(set(naiad.__all__))
    assert set(naiad.__all__) <= set(dir(naiad))


@pytest.mark.parametrize("name", naiad.__all__)
def test_name_can_be_had(name: str) -> None:
    value = getattr(naiad, name)
    assert name == "__version__" or value.__name__ == name


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        _ = naiad.train
