"""Invalid bodies: malformed by construction, or valid ones with some bytes changed.

The endpoints take 8×8 grey images, and a table of numbers, texts and dates. The same seed makes the same bodies.
"""

import io
import json
import os
import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

PIXELS, TABLE = "pixels", "table"
"""Names of the endpoints."""
JSON, LINES, CSV, NPY = "application/json", "application/jsonlines", "text/csv", "application/x-npy"
RAW, PNG, JPEG, ANY_IMAGE = "application/octet-stream", "image/png", "image/jpeg", "application/x-image"
TYPES = (JSON, LINES, CSV, NPY, RAW, PNG, JPEG, ANY_IMAGE)
GOOD = bytes(range(64))


@dataclass(frozen=True)
class Body:
    kind: str
    endpoint: str
    content_type: str
    content: bytes
    may_be_good: bool = False


class ExitOnLoad:
    """An object whose pickle ends the process that loads it."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


def to_npy(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    return file.getvalue()


def to_image(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.frombuffer(GOOD, dtype=np.uint8).reshape(8, 8)).save(file, format=kind)
    return file.getvalue()


# --- malformed bodies: each function returns (content type, body)


def truncated_json(random_state: random.Random) -> tuple[str, bytes]:
    body = json.dumps(random_pixels(random_state, (2, 8, 8)).tolist()).encode()
    return random_state.choice((JSON, LINES)), body[: random_state.randrange(1, len(body))]


def deep_json(random_state: random.Random) -> tuple[str, bytes]:
    depth = int(10 ** random_state.uniform(1, 5.5))
    opening, closing = random_state.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'{"instances":[', b"]}")))
    inserted = random_state.choice((b"", b"1", b"null"))
    return random_state.choice((JSON, LINES)), opening * depth + inserted + closing * random_state.choice(
        (0, depth, depth + 1)
    )


def invalid_pixel(random_state: random.Random) -> tuple[str, bytes]:
    """An image with one value that is not a pixel's."""
    values = random_pixels(random_state, (1, 8, 8)).astype(int).tolist()
    text = json.dumps(values).replace(" ", "")
    wrong = random_state.choice(
        ("NaN", "-Infinity", "1e999", "-1", "256", "1e308", "null", '"a"', "{}", "[]", "9" * 400)
    )
    position = random_state.randrange(64)
    cells = text.strip("[]").replace("],[", ",").split(",")
    cells[position] = wrong
    rows = ",".join(f"[{','.join(cells[start : start + 8])}]" for start in range(0, 64, 8))
    return JSON, f"[[{rows}]]".encode()


def wrong_shape(random_state: random.Random) -> tuple[str, bytes]:
    shape = odd_shape(random_state)
    values = random_pixels(random_state, shape)
    content_type = random_state.choice((JSON, NPY, RAW))
    if content_type == JSON:
        return JSON, json.dumps(
            {"instances": values.tolist()} if random_state.random() < 0.5 else values.tolist()
        ).encode()
    return content_type, to_npy(values) if content_type == NPY else values.tobytes()


def wrong_dtype(random_state: random.Random) -> tuple[str, bytes]:
    values: Any = np.zeros((2, 8, 8))
    kind = random_state.choice(("complex64", "S4", "U4", "datetime64[s]", "timedelta64[s]", "V8", [("a", "u1")]))
    return NPY, to_npy(values.astype("u1").astype(kind) if kind != "V8" else np.zeros((2, 8, 8), dtype="V8"))


def truncated_npy(random_state: random.Random) -> tuple[str, bytes]:
    body = to_npy(random_pixels(random_state, (3, 8, 8)))
    return NPY, body[: random_state.randrange(len(body))]


def npy_with_false_header(random_state: random.Random) -> tuple[str, bytes]:
    """An .npy file whose header is false, or is code."""
    head = random_state.choice(
        (
            f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10 ** random_state.randrange(2, 19)}, 8, 8)}}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 8, 8)}",
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
            "__import__('os')._exit(9)",
            "{'descr': '|u1'}",
            "(" * random_state.randrange(1, 60_000),
        )
    ).encode()[:65_000]
    return NPY, b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + pickle.dumps(ExitOnLoad())


def pickled_body(random_state: random.Random) -> tuple[str, bytes]:
    inserted = random_state.choice(
        (to_npy(np.array([ExitOnLoad()], dtype=object)), pickle.dumps(ExitOnLoad()), pickle.dumps([ExitOnLoad()] * 9))
    )
    return random_state.choice((NPY, NPY, JSON, LINES, CSV, PNG, ANY_IMAGE, "application/x-pickle")), inserted


def invalid_csv(random_state: random.Random) -> tuple[str, bytes]:
    cells = [str(value) for value in random_pixels(random_state, (random_state.choice([1, 63, 65, 200]),))]
    ragged = ["0," * 63 + "0", ",".join(cells)]
    cells[random_state.randrange(len(cells))] = random_state.choice(
        ["x", "nan", "\0", '"', '"' * 3, "1;2", "é", "9" * 200_000]
    )
    return CSV, "\n".join(random_state.choice([ragged, [",".join(cells)], ["0," * 63 + "0", ",".join(cells)]])).encode()


def truncated_image(random_state: random.Random) -> tuple[str, bytes]:
    """An image file of which at most the first half is there."""
    kind = random_state.choice(("PNG", "JPEG"))
    body = to_image(kind)
    return random_state.choice(({"PNG": PNG, "JPEG": JPEG}[kind], ANY_IMAGE)), body[
        : random_state.randrange(len(body) // 2)
    ]


def decompression_bomb(random_state: random.Random) -> tuple[str, bytes]:
    """A PNG whose header claims up to 2³¹ × 2³¹ pixels; the checksum of the header is wrong, too."""
    side = (2 ** random_state.randrange(14, 31)).to_bytes(4, "big")
    body = to_image("PNG")
    return random_state.choice((PNG, ANY_IMAGE)), body[:16] + side + side + body[24:]


def random_bytes(random_state: random.Random) -> tuple[str, bytes]:
    """An odd number of bytes that begin like no JSON, CSV or image."""
    return random_state.choice(TYPES), b"\xff\x00" + random_state.randbytes(2 * random_state.randrange(2000) + 1)


def empty_body(random_state: random.Random) -> tuple[str, bytes]:
    return random_state.choice(TYPES), b""


def wrong_content_type(random_state: random.Random) -> tuple[str, bytes]:
    """A valid body with the content type of another form."""
    own, body = random_state.choice(
        ((JSON, json.dumps([list(GOOD)]).encode()), (NPY, to_npy(np.zeros((3, 8, 8), "u1"))))
    )
    strange = "".join(random_state.choice("abcxyz019/;=+*.-_\"'{}%\\,") for _ in range(random_state.randrange(1, 60)))
    others = [one for one in (PNG, JPEG, ANY_IMAGE, NPY, JSON) if one != own]
    return random_state.choice(
        (*others, f"x{strange}", "multipart/form-data; boundary=x", "application/x-pickle")
    ), body


MALFORMED = (
    *(
        truncated_json,
        deep_json,
        invalid_pixel,
        wrong_shape,
        wrong_dtype,
        truncated_npy,
        npy_with_false_header,
        pickled_body,
    ),
    *(invalid_csv, truncated_image, decompression_bomb, random_bytes, empty_body, wrong_content_type),
)


def random_pixels(random_state: random.Random, shape: tuple[int, ...]) -> Any:
    return np.frombuffer(random_state.randbytes(int(np.prod(shape))), dtype=np.uint8).reshape(shape)


def odd_shape(random_state: random.Random) -> tuple[int, ...]:
    """Returns a shape whose number of values is no multiple of an image's."""
    while True:
        shape = tuple(random_state.randrange(1, 13) for _ in range(random_state.randrange(1, 6)))
        if np.prod(shape) % 64:
            return shape


# --- valid bodies, to be changed


def good_bodies(head: pd.DataFrame) -> tuple[Body, ...]:
    values = np.frombuffer(GOOD * 2, dtype=np.uint8).reshape(2, 8, 8)
    rows = json.loads(head.to_json(orient="records", date_format="iso"))
    of_pixels = {
        JSON: json.dumps({"instances": values.tolist()}).encode(),
        LINES: b"".join(json.dumps(one.tolist()).encode() + b"\n" for one in values),
        CSV: "\n".join(",".join(map(str, one.flatten())) for one in values).encode(),
        NPY: to_npy(values),
        RAW: values.tobytes(),
        PNG: to_image("PNG"),
        JPEG: to_image("JPEG"),
        ANY_IMAGE: to_image("BMP"),
    }
    of_table = {
        JSON: json.dumps({"instances": rows}).encode(),
        LINES: b"".join(json.dumps(one).encode() + b"\n" for one in rows),
        CSV: head.to_csv(index=False).encode(),
    }
    endpoints = ((PIXELS, of_pixels), (TABLE, of_table))
    return tuple(
        Body("good", name, kind, body) for name, make_bodies in endpoints for kind, body in make_bodies.items()
    )


def mutate(random_state: random.Random, good: Body) -> Body:
    content = bytearray(good.content)
    for _ in range(random_state.randrange(1, 5)):
        position, length = random_state.randrange(len(content) + 1), random_state.randrange(9)
        inserted = random_state.choice(
            (b"", random_state.randbytes(length), content[:length], b'[{"0', b",", b"\n", b"\xff")
        )
        content[position : position + length] = inserted
    return replace(good, kind="changed", content=bytes(content), may_be_good=True)


def make_bodies(count: int, seed: int, good: tuple[Body, ...]) -> Iterator[Body]:
    """Yields bodies of each kind in turn."""
    random_state = random.Random(seed)
    for number in range(count):
        if number % 2:
            yield mutate(random_state, good[number // 2 % len(good)])
        else:
            make: Callable[[random.Random], tuple[str, bytes]] = MALFORMED[number // 2 % len(MALFORMED)]
            yield Body(make.__name__, PIXELS, *make(random_state))
