"""Bodies that are no good: malformed by the way they are made, or good ones with some bytes changed.

Their endpoints take 8×8 grey images, and a table with numbers, texts and days. The same seed gives the same bodies.
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
"""Endpoints."""
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


class Ends:
    """Pickled; who loads it is gone."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


def npy(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    return file.getvalue()


def image(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.frombuffer(GOOD, dtype=np.uint8).reshape(8, 8)).save(file, format=kind)
    return file.getvalue()


# --- malformed by the way they are made: (content type, body)


def cut_json(chance: random.Random) -> tuple[str, bytes]:
    body = json.dumps(pixels(chance, (2, 8, 8)).tolist()).encode()
    return chance.choice((JSON, LINES)), body[: chance.randrange(1, len(body))]


def deep(chance: random.Random) -> tuple[str, bytes]:
    depth = int(10 ** chance.uniform(1, 5.5))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'{"instances":[', b"]}")))
    inside = chance.choice((b"", b"1", b"null"))
    return chance.choice((JSON, LINES)), opening * depth + inside + closing * chance.choice((0, depth, depth + 1))


def no_pixels(chance: random.Random) -> tuple[str, bytes]:
    """One value of an image that none can have."""
    values = pixels(chance, (1, 8, 8)).astype(int).tolist()
    text = json.dumps(values).replace(" ", "")
    wrong = chance.choice(("NaN", "-Infinity", "1e999", "-1", "256", "1e308", "null", '"a"', "{}", "[]", "9" * 400))
    at = chance.randrange(64)
    cells = text.strip("[]").replace("],[", ",").split(",")
    cells[at] = wrong
    rows = ",".join(f"[{','.join(cells[start : start + 8])}]" for start in range(0, 64, 8))
    return JSON, f"[[{rows}]]".encode()


def wrong_shape(chance: random.Random) -> tuple[str, bytes]:
    shape = odd_shape(chance)
    values = pixels(chance, shape)
    content_type = chance.choice((JSON, NPY, RAW))
    if content_type == JSON:
        return JSON, json.dumps({"instances": values.tolist()} if chance.random() < 0.5 else values.tolist()).encode()
    return content_type, npy(values) if content_type == NPY else values.tobytes()


def wrong_dtype(chance: random.Random) -> tuple[str, bytes]:
    values: Any = np.zeros((2, 8, 8))
    kind = chance.choice(("complex64", "S4", "U4", "datetime64[s]", "timedelta64[s]", "V8", [("a", "u1")]))
    return NPY, npy(values.astype("u1").astype(kind) if kind != "V8" else np.zeros((2, 8, 8), dtype="V8"))


def cut_npy(chance: random.Random) -> tuple[str, bytes]:
    body = npy(pixels(chance, (3, 8, 8)))
    return NPY, body[: chance.randrange(len(body))]


def lying_npy(chance: random.Random) -> tuple[str, bytes]:
    """Its head promises what cannot be, or wants to be run."""
    head = chance.choice(
        (
            f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10 ** chance.randrange(2, 19)}, 8, 8)}}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 8, 8)}",
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
            "__import__('os')._exit(9)",
            "{'descr': '|u1'}",
            "(" * chance.randrange(1, 60_000),
        )
    ).encode()[:65_000]
    return NPY, b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + pickle.dumps(Ends())


def pickled(chance: random.Random) -> tuple[str, bytes]:
    inside = chance.choice((npy(np.array([Ends()], dtype=object)), pickle.dumps(Ends()), pickle.dumps([Ends()] * 9)))
    return chance.choice((NPY, NPY, JSON, LINES, CSV, PNG, ANY_IMAGE, "application/x-pickle")), inside


def wrong_csv(chance: random.Random) -> tuple[str, bytes]:
    cells = [str(value) for value in pixels(chance, (chance.choice([1, 63, 65, 200]),))]
    ragged = ["0," * 63 + "0", ",".join(cells)]
    cells[chance.randrange(len(cells))] = chance.choice(["x", "nan", "\0", '"', '"' * 3, "1;2", "é", "9" * 200_000])
    return CSV, "\n".join(chance.choice([ragged, [",".join(cells)], ["0," * 63 + "0", ",".join(cells)]])).encode()


def cut_image(chance: random.Random) -> tuple[str, bytes]:
    """Its first half at most."""
    kind = chance.choice(("PNG", "JPEG"))
    body = image(kind)
    return chance.choice(({"PNG": PNG, "JPEG": JPEG}[kind], ANY_IMAGE)), body[: chance.randrange(len(body) // 2)]


def bomb(chance: random.Random) -> tuple[str, bytes]:
    """A PNG whose head promises up to 2³¹ × 2³¹ pixels; its sums are wrong too, as the head's has not been made again."""
    side = (2 ** chance.randrange(14, 31)).to_bytes(4, "big")
    body = image("PNG")
    return chance.choice((PNG, ANY_IMAGE)), body[:16] + side + side + body[24:]


def noise(chance: random.Random) -> tuple[str, bytes]:
    """No text of JSON or numbers begins so, nor an image; of an odd length."""
    return chance.choice(TYPES), b"\xff\x00" + chance.randbytes(2 * chance.randrange(2000) + 1)


def nothing(chance: random.Random) -> tuple[str, bytes]:
    return chance.choice(TYPES), b""


def another_type(chance: random.Random) -> tuple[str, bytes]:
    """Good bodies as what they are not."""
    own, body = chance.choice(((JSON, json.dumps([list(GOOD)]).encode()), (NPY, npy(np.zeros((3, 8, 8), "u1")))))
    strange = "".join(chance.choice("abcxyz019/;=+*.-_\"'{}%\\,") for _ in range(chance.randrange(1, 60)))
    others = [one for one in (PNG, JPEG, ANY_IMAGE, NPY, JSON) if one != own]
    return chance.choice((*others, f"x{strange}", "multipart/form-data; boundary=x", "application/x-pickle")), body


MALFORMED = (
    *(cut_json, deep, no_pixels, wrong_shape, wrong_dtype, cut_npy, lying_npy, pickled),
    *(wrong_csv, cut_image, bomb, noise, nothing, another_type),
)


def pixels(chance: random.Random, shape: tuple[int, ...]) -> Any:
    return np.frombuffer(chance.randbytes(int(np.prod(shape))), dtype=np.uint8).reshape(shape)


def odd_shape(chance: random.Random) -> tuple[int, ...]:
    """Whose number of values is no multiple of an image's."""
    while True:
        shape = tuple(chance.randrange(1, 13) for _ in range(chance.randrange(1, 6)))
        if np.prod(shape) % 64:
            return shape


# --- good ones, to be changed


def good_bodies(head: pd.DataFrame) -> tuple[Body, ...]:
    values = np.frombuffer(GOOD * 2, dtype=np.uint8).reshape(2, 8, 8)
    rows = json.loads(head.to_json(orient="records", date_format="iso"))
    of_pixels = {
        JSON: json.dumps({"instances": values.tolist()}).encode(),
        LINES: b"".join(json.dumps(one.tolist()).encode() + b"\n" for one in values),
        CSV: "\n".join(",".join(map(str, one.flatten())) for one in values).encode(),
        NPY: npy(values),
        RAW: values.tobytes(),
        PNG: image("PNG"),
        JPEG: image("JPEG"),
        ANY_IMAGE: image("BMP"),
    }
    of_table = {
        JSON: json.dumps({"instances": rows}).encode(),
        LINES: b"".join(json.dumps(one).encode() + b"\n" for one in rows),
        CSV: head.to_csv(index=False).encode(),
    }
    found = ((PIXELS, of_pixels), (TABLE, of_table))
    return tuple(Body("good", name, kind, body) for name, bodies in found for kind, body in bodies.items())


def changed(chance: random.Random, good: Body) -> Body:
    content = bytearray(good.content)
    for _ in range(chance.randrange(1, 5)):
        at, length = chance.randrange(len(content) + 1), chance.randrange(9)
        inside = chance.choice((b"", chance.randbytes(length), content[:length], b'[{"0', b",", b"\n", b"\xff"))
        content[at : at + length] = inside
    return replace(good, kind="changed", content=bytes(content), may_be_good=True)


def bodies(count: int, seed: int, good: tuple[Body, ...]) -> Iterator[Body]:
    """The kinds in turn, so that each has its share."""
    chance = random.Random(seed)
    for number in range(count):
        if number % 2:
            yield changed(chance, good[number // 2 % len(good)])
        else:
            make: Callable[[random.Random], tuple[str, bytes]] = MALFORMED[number // 2 % len(MALFORMED)]
            yield Body(make.__name__, PIXELS, *make(chance))
