import pytest

from naiad.errors import OptionError
from naiad.service.endpoints.transform.settings import settings_of


def made(given: dict[str, object] | None = None, out: dict[str, object] | None = None, **more: object):
    return settings_of({"TransformInput": given or {}, "TransformOutput": out or {}, **more})


def test_what_is_left_out():
    settings = made()
    assert (settings.by_line, settings.is_multi, settings.assembles_lines, settings.is_gzip) == (
        False,
        False,
        False,
        False,
    )
    assert (settings.most_payload_bytes, settings.concurrency) == (6 * 2**20, 1)


def test_lines_are_packed_unless_one_by_one_is_wanted():
    assert made({"SplitType": "Line"}).is_multi
    assert not made({"SplitType": "Line"}, BatchStrategy="SingleRecord").is_multi
    assert not made(BatchStrategy="MultiRecord").is_multi


def test_lines_of_whole_json_values_are_asked_one_by_one():
    assert not made({"SplitType": "Line", "ContentType": "application/json"}, BatchStrategy="MultiRecord").is_multi
    assert made({"SplitType": "Line", "ContentType": "application/jsonlines"}).is_multi


@pytest.mark.parametrize(
    ("given", "out", "accept"),
    [
        ({"SplitType": "Line", "ContentType": "text/csv"}, {"AssembleWith": "Line"}, "text/csv"),
        ({"SplitType": "Line", "ContentType": "application/json"}, {"AssembleWith": "Line"}, "application/jsonlines"),
        ({"SplitType": "Line", "ContentType": "text/csv"}, {}, ""),
        ({"SplitType": "Line"}, {"AssembleWith": "Line", "Accept": "application/json"}, "application/json"),
    ],
)
def test_an_artifact_answers_a_line_a_record_where_lines_are_wanted(
    given: dict[str, object], out: dict[str, object], accept: str
):
    assert made(given, out).for_artifact().accept == accept


def test_the_client_of_the_model():
    settings = made(ModelClientConfig={"InvocationsTimeoutInSeconds": 7, "InvocationsMaxRetries": 2})
    assert (settings.timeout_s, settings.retries) == (7.0, 2)
    assert (made().timeout_s, made().retries) == (600.0, 0)


LINE = {"SplitType": "Line", "ContentType": "text/csv"}


@pytest.mark.parametrize(
    ("given", "out", "how", "said"),
    [
        ({}, {}, {"JoinSource": "Input"}, "SplitType Line"),
        (LINE, {}, {"JoinSource": "Input"}, "AssembleWith Line"),
        (LINE, {"AssembleWith": "Line"}, {"OutputFilter": "$[0]"}, "both text/csv"),
        ({**LINE, "ContentType": "image/png"}, {}, {"InputFilter": "$[0]"}, "both text/csv"),
        (LINE, {}, {"InputFilter": "$..a"}, "cannot be read"),
    ],
)
def test_what_does_not_go_together(given, out, how, said: str):
    with pytest.raises(OptionError, match=said):
        made(given, out, DataProcessing=how)


def test_what_does():
    settings = made(
        LINE,
        {"AssembleWith": "Line", "Accept": "text/csv"},
        DataProcessing={"JoinSource": "Input", "OutputFilter": "$[0]"},
    )
    assert settings.processing.joins
