"""Scopes and limits of keys."""

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.scope import ALL_SCOPES, Creator, ObjectLimit, Scope, parse_limit, scope_words, with_implied


def test_an_admin_may_do_everything():
    assert with_implied([Scope.ADMIN]) == ALL_SCOPES
    assert with_implied([Scope.READ, Scope.JOBS]) == {Scope.READ, Scope.JOBS}
    assert scope_words(ALL_SCOPES) == "read, invoke, jobs, admin"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://data", "s3://data/"),
        ("s3://data/", "s3://data/"),
        ("s3://data/team", "s3://data/team/"),
        ("s3://data/team/a//", "s3://data/team/a/"),
    ],
)
def test_a_limit_is_a_folder(text, shown):
    assert str(parse_limit(text)) == shown


def test_a_limit_covers_what_is_below_it_and_nothing_beside_it():
    limit = parse_limit("s3://data/team")
    assert limit.covers("data", "team/x")
    assert limit.covers("data", "team/")
    for bucket, key in (("data", "team"), ("data", "team2/x"), ("data", "teams"), ("data", ""), ("other", "team/x")):
        assert not limit.covers(bucket, key)
    assert ObjectLimit("data").covers("data", "")


@pytest.mark.parametrize(
    "text",
    ["data/team", "s3://", "s3://A/b", "s3://a..b/x", "https://data/x", "s3://data/\x1b", "s3://data/" + "x" * 2000],
)
def test_what_is_no_limit(text):
    with pytest.raises(Invalid):
        parse_limit(text)


def test_a_creator_becomes_json_and_a_creator_again():
    creator = Creator("AKIA", (parse_limit("s3://data/team"), parse_limit("s3://more")))
    assert Creator.from_json(creator.to_json()) == creator
