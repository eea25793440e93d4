"""Inputs parsed by AWS's shapes."""

import datetime as dt
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.protocol.parser import form_action, from_form, from_json, load_form, load_json
from naiad.service.gateway.protocol.service_models import operation_model

AT = dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def test_json_times_are_epoch_seconds_and_null_is_left_out():
    shape = operation_model("sagemaker", "ListTrainingJobs").input_shape
    request = from_json(shape, {"CreationTimeAfter": AT.timestamp(), "MaxResults": 3, "NameContains": None, "New": 1})
    assert request == {"CreationTimeAfter": AT, "MaxResults": 3}
    with pytest.raises(Invalid, match="is no time"):
        from_json(shape, {"CreationTimeAfter": "yesterday"})


def test_forms_have_lists_and_structures():
    shape = operation_model("iam", "SimulatePrincipalPolicy").input_shape
    form = {
        "PolicySourceArn": "arn",
        "ActionNames.member.1": "s3:Get",
        "ActionNames.member.2": "s3:Put",
        "ContextEntries.member.1.ContextKeyName": "k",
        "MaxItems": "7",
    }
    assert from_form(shape, form) == {
        "PolicySourceArn": "arn",
        "ActionNames": ["s3:Get", "s3:Put"],
        "ContextEntries": [{"ContextKeyName": "k"}],
        "MaxItems": 7,
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + b"0," * 60_000 + b"0]}",
        b'{"a":[' + b"[]," * 20_000 + b"[" * 30_001,
        b"{" + b",".join(b'"%d":0' % number for number in range(60_000)) + b"}",
        b'{"a":' + b"{" * 60_000,
    ],
    ids=["numbers", "lists", "names", "objects"],
)
def test_bodies_of_very_many_values(body):
    """The parser of JSON reads a body in one step, during which nothing else runs."""
    with pytest.raises(Invalid, match="more than 50,000 values"):
        load_json(body)


def test_commas_in_a_text_are_no_values():
    for text in ("," * 100_000, '\\"[{,' * 30_000, "\\\\"):
        assert load_json(json.dumps({"a": text}).encode()) == {"a": text}


@pytest.mark.parametrize(
    "body", [b'{"a":' + b'"\\",' * 250_000, b'"' * 300_000 + b"," * 60_000, b"\\" * 10**6 + b"," * 60_000]
)
def test_texts_that_never_end(body):
    started = time.perf_counter()
    with pytest.raises(Invalid):
        load_json(body)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("text", ["-", "--5", "\u0663", "9" * 5_000, "1e3", "5-"])
def test_texts_in_a_form_that_are_no_numbers(text):
    shape = operation_model("iam", "SimulatePrincipalPolicy").input_shape
    assert from_form(shape, {"MaxItems": text})["MaxItems"] == text
    assert from_form(shape, {"MaxItems": "-7"})["MaxItems"] == -7


FIELDS = st.lists(
    st.sampled_from(
        ["Action=GetRole", "Action", "%41ction=DeleteRole", "Acti%6Fn=a+b%20c", "+Action=x", "action=y", "Action=%C3%BC", "", "=",
         "Action==", "a=Action=z", "%2541ction=n", "Action=%zz%", "%41%63%74%69%6F%6E=all"]
    )
)  # fmt: skip


@given(FIELDS)
def test_the_action_of_a_form_is_that_of_the_whole_form(fields):
    """A change that hides its name would escape the guard against replays."""
    body = "&".join(fields).encode()
    assert form_action(body) == load_form(body).get("Action", "")


def test_forms_that_are_too_long_for_an_action():
    assert form_action(b"Action=" + b"%20" * 40_000) == ""
    for body in (b"\xff", b"a&" * 2_000):
        with pytest.raises(Invalid):
            form_action(body)
