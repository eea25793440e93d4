import pytest

from naiad.service.contract.tags import cores_of, priority_of, tags_of
from naiad.service.domain.errors import Invalid


def test_the_priority_and_the_cores() -> None:
    tags = tags_of({"Tags": [{"Key": "naiad:priority", "Value": "-3"}, {"Key": "naiad:cores", "Value": "2"}]})
    assert (priority_of(tags), cores_of(tags)) == (-3, 2)
    assert (priority_of({}), cores_of({})) == (0, None)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ([("a", "1"), ("a", "2")], "twice"),
        ([("aws:x", "1")], "reserved"),
        ([("naiad:priority", "high")], "whole number from -1000 to 1000"),
        ([("naiad:cores", "0")], "whole number from 1"),
        ([(f"k{n}", "") for n in range(51)], "51 tags"),
    ],
)
def test_bad_tags_are_refused(tags: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        tags_of({"Tags": [{"Key": key, "Value": value} for key, value in tags]})
