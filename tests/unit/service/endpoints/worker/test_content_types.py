"""Content types, compared with the trainer's own predictions, and malformed bodies of every kind."""

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
from naiad.service.endpoints.worker.content_types import OutputSchema, decode, encode
from naiad.service.endpoints.worker.engines.loader import load_engine
from naiad.service.endpoints.worker.inference import InferenceError, InferenceRequest
from naiad.service.endpoints.worker.input_schema import ArrayInput, ImageInput, TableInput, read_input_schema
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.features.image import ImageSchema as TrainerSchema
from naiad.trainer.loop.progress import SilentProgress

GREY = ImageInput(1, 8, 8)
SCHEMAS = (
    GREY,
    ArrayInput((4,)),
    TableInput((Column("age", ColumnKind.NUMBER), Column("town", ColumnKind.CATEGORY, categories=("Oslo",)))),
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
OUTPUT = OutputSchema("classification", ("cat", "dog"), "label")


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
def test_a_picture_is_decoded_as_the_trainer_does(size: tuple[int, int], kind: str, mode: str):
    body = picture(size, kind, mode)
    content_type = {"PNG": "image/png", "JPEG": "image/jpeg"}.get(kind, "application/x-image")
    expected = TrainerSchema(1, 8, 8).encode(Image.open(io.BytesIO(body)))
    np.testing.assert_array_equal(decode(InferenceRequest(body, content_type), GREY), expected.numpy())


def test_a_decompression_bomb_is_refused_before_it_is_decoded():
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, format="PNG")
    began = time.monotonic()
    with pytest.raises(InferenceError) as raised:
        decode(InferenceRequest(file.getvalue(), "image/png"), GREY)
    assert raised.value.status == 400
    assert time.monotonic() - began < 2


def test_a_picture_of_another_format_than_its_content_type():
    with pytest.raises(InferenceError, match="not a readable PNG image"):
        decode(InferenceRequest(picture((8, 8), "JPEG"), "image/png"), GREY)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[]", "application/json"),
        (b"\n", "application/jsonlines"),
        (npy(np.zeros((0, 1, 8, 8))), "application/x-npy"),
        (b"", "text/csv"),
    ],
)
def test_an_input_without_samples_is_refused(body: bytes, content_type: str):
    with pytest.raises(InferenceError) as raised:
        decode(InferenceRequest(body, content_type), GREY)
    assert raised.value.status == 400


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"[[1, 2], [3]]", "application/json", r"inhomogeneous.*\(2,\)"),
        (b'{"foo": 1}', "application/json", "an object"),
        (b'"cat"', "application/json", "a text"),
        (b'["cat"]', "application/json", "<U3"),
        (b"{", "application/json", "the body of 1 bytes is not JSON"),
        (b"1,cat", "text/csv", "'cat'"),
        (b"1,2\n3", "text/csv", "1 to 2 cells"),
        (b"GIF89a", "image/png", "the body of 6 bytes is not a readable PNG image;"),
        (b"x" * 63, "application/octet-stream", "63 bytes; a sample has 64"),
        (b"[]", "application/json", r"\(0,"),
        (b"[1, 2, 3]", "application/json", r"\(3,\)"),
        (b"[300]", "application/json", "300"),
        (b"\x93NUMPY", "application/x-npy", "not a NumPy array"),
    ],
)
def test_every_refusal_names_the_input_and_the_expected_shape(body: bytes, content_type: str, message: str):
    with pytest.raises(InferenceError, match=message) as raised:
        decode(InferenceRequest(body, content_type), GREY)
    assert raised.value.status == 400
    assert str(raised.value).count("(N, 1, 8, 8)") == 1
    assert " object at 0x" not in str(raised.value)


def test_the_refusal_of_a_table_names_its_columns():
    with pytest.raises(InferenceError, match=r"1 bytes is not JSON: .*; this model takes rows of age, town"):
        decode(InferenceRequest(b"{", "application/json"), SCHEMAS[2])
    with pytest.raises(InferenceError, match=r"3 cells; this model takes 2: age, town$"):
        decode(InferenceRequest(b"1,2,3", "text/csv; header=absent"), SCHEMAS[2])


def test_responses_of_every_type():
    assert json.loads(encode(SCORES, OUTPUT, "")[0]) == {"labels": ["dog", "cat"], "scores": SCORES.tolist()}
    lines, content_type = encode(SCORES, OUTPUT, "application/jsonl")
    assert content_type == "application/jsonl"
    assert [json.loads(line) for line in lines.splitlines()][1] == {"label": "cat", "scores": [1.0, 0.0]}
    assert encode(SCORES, OUTPUT, "text/csv")[0] == b"dog,0.25,0.75\ncat,1.0,0.0\n"
    np.testing.assert_array_equal(np.load(io.BytesIO(encode(SCORES, OUTPUT, "application/x-npy")[0])), SCORES)
    np.testing.assert_array_equal(
        np.frombuffer(encode(SCORES, OUTPUT, "application/octet-stream")[0], "<f4"), SCORES.ravel()
    )
    with pytest.raises(InferenceError) as raised:
        encode(SCORES, OUTPUT, "image/png")
    assert raised.value.status == 406


def test_values_that_are_not_finite_are_null():
    values = np.array([[np.nan], [2.5]], dtype=np.float32)
    answer = json.loads(encode(values, OutputSchema("regression", (), "price"), "")[0])
    assert answer == {"labels": [None, 2.5], "scores": [[None], [2.5]]}


def test_labels_of_clusters_are_numbers():
    assert json.loads(encode(SCORES, OutputSchema("clustering", (), "cluster"), "")[0])["labels"] == [1, 0]


def test_tables_give_the_models_own_predictions(tmp_path):
    towns = ["Oslo", "Bern"] * 20
    table = pa.table({"age": [float(n) for n in range(40)], "town": towns, "label": [town == "Oslo" for town in towns]})
    model = naiad.fit("mlp", table, label="label", epochs=1, report=False, progress=SilentProgress())
    model.save(tmp_path / "run")
    artifact = open_artifact(tmp_path / "run")
    rows = [{"age": 3.0, "town": "Bern"}, {"age": None, "town": "Rome"}]
    raw = decode(InferenceRequest(json.dumps(rows).encode()), read_input_schema(artifact.values["input"]))
    scores = load_engine("onnxruntime", artifact).run(raw)
    np.testing.assert_allclose(scores, model.predict(rows).scores, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=400)
@given(body=st.binary(max_size=300), content_type=st.sampled_from(TYPES), schema=st.sampled_from(SCHEMAS))
def test_any_bytes_give_an_array_or_a_refusal(body: bytes, content_type: str, schema):
    check(body, content_type, schema)


def test_ten_thousand_corrupted_bodies():
    """Valid bodies, corrupted at random places, truncated or repeated, under every content type."""
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
        body = corrupt(chance, chance.choice(seeds))
        began = time.perf_counter()
        check(body, chance.choice(TYPES), SCHEMAS[turn % 3])
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 2


def corrupt(chance: random.Random, body: bytes) -> bytes:
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
    result = try_decode(body, content_type, schema)
    if isinstance(result, InferenceError):
        assert result.status in (400, 415)
        assert str(result)
    else:
        assert result.shape[1:] == schema.sample_shape
        assert result.dtype == schema.dtype
        assert len(result)


def try_decode(body: bytes, content_type: str, schema) -> np.ndarray | InferenceError:
    try:
        return decode(InferenceRequest(body, content_type), schema)
    except InferenceError as error:
        return error


def test_image_files_on_another_scale_are_refused():
    file = io.BytesIO()
    Image.fromarray(np.full((4, 6), 40, np.uint16)).save(file, format="PNG")
    values = {"kind": "deep_image", "height": 4, "width": 6, "depth": "integer", "offset": 0.0}
    bright = {**values, "value_range": {"low": 40_000.0, "high": 65_535.0, "is_whole": True}}
    with pytest.raises(InferenceError, match="trained on pixels from 40000 to 65535, but these are from 40 to 40"):
        decode(InferenceRequest(file.getvalue(), "image/png"), read_input_schema(bright))
    assert decode(InferenceRequest(file.getvalue(), "image/png"), read_input_schema(values)).max() == 40
    with pytest.raises(InferenceError, match="this model takes 0 to 1"):
        decode(InferenceRequest(picture((8, 8), "PNG"), "image/png"), ImageInput(1, 8, 8, top=1))
