import pytest

from naiad.errors import OptionError
from naiad.service.endpoints.transform.settings import parse_transform_request


def parse(source: dict[str, object] | None = None, output: dict[str, object] | None = None, **more: object):
    return parse_transform_request({"TransformInput": source or {}, "TransformOutput": output or {}, **more})


def test_defaults():
    settings = parse()
    assert (settings.is_split_by_line, settings.is_multi_record, settings.is_assembled_by_line, settings.is_gzip) == (
        False,
        False,
        False,
        False,
    )
    assert (settings.max_payload_bytes, settings.max_concurrent_transforms) == (6 * 2**20, 1)


def test_several_records_a_request_unless_single_records_are_requested():
    assert parse({"SplitType": "Line"}).is_multi_record
    assert not parse({"SplitType": "Line"}, BatchStrategy="SingleRecord").is_multi_record
    assert not parse(BatchStrategy="MultiRecord").is_multi_record


def test_lines_of_json_documents_are_sent_one_by_one():
    assert not parse(
        {"SplitType": "Line", "ContentType": "application/json"}, BatchStrategy="MultiRecord"
    ).is_multi_record
    assert parse({"SplitType": "Line", "ContentType": "application/jsonlines"}).is_multi_record


@pytest.mark.parametrize(
    ("source", "output", "accept"),
    [
        ({"SplitType": "Line", "ContentType": "text/csv"}, {"AssembleWith": "Line"}, "text/csv"),
        ({"SplitType": "Line", "ContentType": "application/json"}, {"AssembleWith": "Line"}, "application/jsonlines"),
        ({"SplitType": "Line", "ContentType": "text/csv"}, {}, ""),
        ({"SplitType": "Line"}, {"AssembleWith": "Line", "Accept": "application/json"}, "application/json"),
    ],
)
def test_an_artifact_answers_one_line_a_record_where_lines_are_needed(
    source: dict[str, object], output: dict[str, object], accept: str
):
    assert parse(source, output).for_artifact().accept == accept


def test_settings_of_the_models_client():
    settings = parse(ModelClientConfig={"InvocationsTimeoutInSeconds": 7, "InvocationsMaxRetries": 2})
    assert (settings.timeout_s, settings.max_retries) == (7.0, 2)
    assert (parse().timeout_s, parse().max_retries) == (600.0, 0)


LINE = {"SplitType": "Line", "ContentType": "text/csv"}


@pytest.mark.parametrize(
    ("source", "output", "processing", "message"),
    [
        ({}, {}, {"JoinSource": "Input"}, "SplitType Line"),
        (LINE, {}, {"JoinSource": "Input"}, "AssembleWith Line"),
        (LINE, {"AssembleWith": "Line"}, {"OutputFilter": "$[0]"}, "both text/csv"),
        ({**LINE, "ContentType": "image/png"}, {}, {"InputFilter": "$[0]"}, "both text/csv"),
        (LINE, {}, {"InputFilter": "$..a"}, "cannot be read"),
    ],
)
def test_settings_that_cannot_be_combined(source, output, processing, message: str):
    with pytest.raises(OptionError, match=message):
        parse(source, output, DataProcessing=processing)


def test_settings_that_can_be_combined():
    settings = parse(
        LINE,
        {"AssembleWith": "Line", "Accept": "text/csv"},
        DataProcessing={"JoinSource": "Input", "OutputFilter": "$[0]"},
    )
    assert settings.processing.has_join
