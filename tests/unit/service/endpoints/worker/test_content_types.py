"""Every content type, the trainer's own predictions, and whatever bytes there are."""

import io
import json
import random
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import naiad
from naiad.service.endpoints.worker.artifact import open_artifact
from naiad.service.endpoints.worker.content_types import Described, decode, encode
from naiad.service.endpoints.worker.engines.loader import open_engine
from naiad.service.endpoints.worker.inference import Invocation, Unfit
from naiad.service.endpoints.worker.input_schema import ArraySchema, ImageSchema, TableSchema, read_schema
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.features.image import ImageSchema as TrainersSchema
from naiad.trainer.loop.progress import Silent

GREY = ImageSchema(1, 8, 8)
SCHEMAS = (
    GREY,
    ArraySchema((4,)),
    TableSchema((Column("age", ColumnKind.NUMBER), Column("town", ColumnKind.CATEGORY, categories=("Oslo",)))),
)
TYPES = (
    "application/json",
    "application/jsonlines",
    "text/csv",
    "text/csv; header=present",
    "application/x-npy",
    "image/png",
    "image/jpeg",
    "application/x-image",
    "application/octet-stream",
    "",
    "text/html",
)
SCORES = np.array([[0.25, 0.75], [1.0, 0.0]], dtype=np.float32)
CLASSES = Described("classification", ("cat", "dog"), "label")


def picture(size: tuple[int, int], kind: str, mode: str = "L") -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(file, format=kind)
    return file.getvalue()


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@pytest.mark.parametrize(
    ("size", "kind", "mode"),
    [((8, 8), "PNG", "L"), ((30, 20), "PNG", "RGB"), ((16, 9), "JPEG", "L"), ((9, 9), "BMP", "RGB")],
)
def test_a_picture_is_what_the_trainer_makes_of_it(size: tuple[int, int], kind: str, mode: str):

    body = picture(size, kind, mode)
    content_type = {"PNG": "image/png", "JPEG": "image/jpeg"}.get(kind, "application/x-image")
    expected = TrainersSchema(1, 8, 8).encode(Image.open(io.BytesIO(body)))
    np.testing.assert_array_equal(decode(Invocation(body, content_type), GREY), expected.numpy())


def test_a_bomb_is_refused_before_it_is_decoded():
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, format="PNG")
    began = time.monotonic()
    with pytest.raises(Unfit) as refused:
        decode(Invocation(file.getvalue(), "image/png"), GREY)
    assert refused.value.status == 400
    assert time.monotonic() - began < 2


def test_a_picture_of_another_kind_than_it_says():
    with pytest.raises(Unfit, match="no PNG image"):
        decode(Invocation(picture((8, 8), "JPEG"), "image/png"), GREY)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[]", "application/json"),
        (b"\n", "application/jsonlines"),
        (npy(np.zeros((0, 1, 8, 8))), "application/x-npy"),
        (b"", "text/csv"),
    ],
)
def test_nothing_to_predict(body: bytes, content_type: str):
    with pytest.raises(Unfit) as refused:
        decode(Invocation(body, content_type), GREY)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("body", "content_type", "given"),
    [
        (b"[[1, 2], [3]]", "application/json", r"inhomogeneous.*\(2,\)"),
        (b'{"foo": 1}', "application/json", "an object"),
        (b'"cat"', "application/json", "a text"),
        (b'["cat"]', "application/json", "<U3"),
        (b"{", "application/json", "the body of 1 bytes is no JSON"),
        (b"1,cat", "text/csv", "'cat'"),
        (b"1,2\n3", "text/csv", "1 to 2 cells"),
        (b"GIF89a", "image/png", "the body of 6 bytes is no PNG image that can be read;"),
        (b"x" * 63, "application/octet-stream", "63 bytes; a sample has 64"),
        (b"[]", "application/json", r"\(0,"),
        (b"[1, 2, 3]", "application/json", r"\(3,\)"),
        (b"[300]", "application/json", "300"),
        (b"\x93NUMPY", "application/x-npy", "no NumPy array"),
    ],
)
def test_every_refusal_says_what_was_given_and_the_shape_that_is_wanted(body: bytes, content_type: str, given: str):
    with pytest.raises(Unfit, match=given) as refused:
        decode(Invocation(body, content_type), GREY)
    assert refused.value.status == 400
    assert str(refused.value).count("(N, 1, 8, 8)") == 1
    assert " object at 0x" not in str(refused.value)


def test_a_refusal_of_a_table_names_its_columns():
    with pytest.raises(Unfit, match=r"1 bytes is no JSON: .*; this model takes rows of age, town"):
        decode(Invocation(b"{", "application/json"), SCHEMAS[2])
    with pytest.raises(Unfit, match=r"3 cells; this model takes 2: age, town$"):
        decode(Invocation(b"1,2,3", "text/csv; header=absent"), SCHEMAS[2])


def test_answers():
    assert json.loads(encode(SCORES, CLASSES, "")[0]) == {"labels": ["dog", "cat"], "scores": SCORES.tolist()}
    lines, kind = encode(SCORES, CLASSES, "application/jsonl")
    assert kind == "application/jsonl"
    assert [json.loads(line) for line in lines.splitlines()][1] == {"label": "cat", "scores": [1.0, 0.0]}
    assert encode(SCORES, CLASSES, "text/csv")[0] == b"dog,0.25,0.75\ncat,1.0,0.0\n"
    np.testing.assert_array_equal(np.load(io.BytesIO(encode(SCORES, CLASSES, "application/x-npy")[0])), SCORES)
    np.testing.assert_array_equal(
        np.frombuffer(encode(SCORES, CLASSES, "application/octet-stream")[0], "<f4"), SCORES.ravel()
    )
    with pytest.raises(Unfit) as refused:
        encode(SCORES, CLASSES, "image/png")
    assert refused.value.status == 406


def test_what_is_not_finite_is_null():
    values = np.array([[np.nan], [2.5]], dtype=np.float32)
    answer = json.loads(encode(values, Described("regression", (), "price"), "")[0])
    assert answer == {"labels": [None, 2.5], "scores": [[None], [2.5]]}


def test_clusters_are_numbers():
    assert json.loads(encode(SCORES, Described("clustering", (), "cluster"), "")[0])["labels"] == [1, 0]


def test_tables_are_predicted_as_the_model_does(tmp_path):

    towns = ["Oslo", "Bern"] * 20
    table = pa.table({"age": [float(n) for n in range(40)], "town": towns, "label": [town == "Oslo" for town in towns]})
    model = naiad.fit("mlp", table, label="label", epochs=1, report=False, progress=Silent())
    model.save(tmp_path / "run")
    artifact = open_artifact(tmp_path / "run")
    rows = [{"age": 3.0, "town": "Bern"}, {"age": None, "town": "Rome"}]
    raw = decode(Invocation(json.dumps(rows).encode()), read_schema(artifact.values["input"]))
    scores = open_engine("onnxruntime", artifact).run(raw)
    np.testing.assert_allclose(scores, model.predict(rows).scores, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=400)
@given(body=st.binary(max_size=300), content_type=st.sampled_from(TYPES), schema=st.sampled_from(SCHEMAS))
def test_any_bytes_are_an_array_or_refused(body: bytes, content_type: str, schema):
    check(body, content_type, schema)


def test_ten_thousand_malformed_bodies():
    """Bodies that fit, spoilt at random places, cut, doubled and sent under every type."""
    seeds = [
        json.dumps([0] * 64).encode(),
        json.dumps({"instances": [[0] * 64] * 2}).encode(),
        b"[1, 2, 3, 4]\n[1, 2, 3, 4]\n",
        ",".join(["7"] * 64).encode() + b"\n",
        b"age,town\n3,Oslo\n",
        json.dumps([{"age": 1, "town": "Oslo"}]).encode(),
        npy(np.zeros((2, 1, 8, 8), dtype=np.uint8)),
        npy(np.zeros((2, 4))),
        picture((8, 8), "PNG"),
        picture((8, 8), "JPEG"),
        picture((8, 8), "GIF"),
        picture((8, 8), "TIFF"),
        picture((8, 8), "WEBP", "RGB"),
        bytes(64),
    ]
    chance, slowest = random.Random(0), 0.0
    for turn in range(10_000):
        body = spoilt(chance, chance.choice(seeds))
        began = time.perf_counter()
        check(body, chance.choice(TYPES), SCHEMAS[turn % 3])
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 2


def spoilt(chance: random.Random, body: bytes) -> bytes:
    data = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                del data[at : at + chance.randint(1, 20)]
            case 1:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case 2:
                data[at : at + 4] = chance.choice(
                    [b"\xff\xff\xff\xff", b"1e999", b"null", b'"x"', b"[[[[", b"NaN", b"-1", b"{}"]
                )
            case 3:
                data = data[:at]
            case _:
                data += data[:at]
    return bytes(data)


def check(body: bytes, content_type: str, schema) -> None:
    found = decoded(body, content_type, schema)
    if isinstance(found, Unfit):
        assert found.status in (400, 415)
        assert str(found)
    else:
        assert found.shape[1:] == schema.sample_shape
        assert found.dtype == schema.dtype
        assert len(found)


def decoded(body: bytes, content_type: str, schema) -> np.ndarray | Unfit:
    try:
        return decode(Invocation(body, content_type), schema)
    except Unfit as refused:
        return refused
