import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from naiad.service.endpoints.worker.inference import Answer, Invocation, Unfit
from naiad.service.endpoints.worker.script_handler import ScriptHandler


@pytest.fixture(autouse=True)
def _paths() -> Iterator[None]:
    """A script's folder goes into the path of its process."""
    before, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = before
    for name in set(sys.modules) - modules:
        if name in ("inference", "other", "helper"):
            del sys.modules[name]


def made(folder: Path, text: str, name: str = "inference.py", **environment: str) -> ScriptHandler:
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / name).write_text(text)
    return ScriptHandler(folder, environment)


def ask(handler: ScriptHandler, body: bytes, content_type: str = "text/plain", **more: str) -> Answer:
    (answer,) = handler.answer([Invocation(body, content_type, **more)])
    return answer


def test_four_functions_with_texts_for_texts_and_bytes_for_bytes(tmp_path: Path):
    handler = made(
        tmp_path,
        "def model_fn(folder): return 'm'\n"
        "def input_fn(body, content_type): return (type(body).__name__, content_type)\n"
        "def predict_fn(data, model): return (*data, model)\n"
        "def output_fn(prediction, accept): return ' '.join(prediction), 'text/x-' + accept.partition('/')[2]\n",
    )
    answer = ask(handler, b"a", accept="text/csv")
    assert (answer.body, answer.content_type) == (b"str text/plain m", "text/x-csv")
    assert ask(handler, b"a", "image/png").body == b"bytes image/png m"
    assert ask(handler, b"\xff").status == 400


def test_a_context_for_who_takes_one(tmp_path: Path):
    handler = made(
        tmp_path,
        "def model_fn(folder, context): return context.system_properties['model_dir']\n"
        "def transform_fn(model, body, content_type, accept, context):\n"
        "    context.custom_attributes = context.custom_attributes.upper()\n"
        "    return model\n",
    )
    answer = ask(handler, b"", custom_attributes="trace=1")
    assert (answer.body.decode(), answer.custom_attributes) == (str(tmp_path), "TRACE=1")


def test_siblings_and_another_name(tmp_path: Path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "helper.py").write_text("WORD = 'helped'\n")
    text = "from helper import WORD\ndef model_fn(folder): return WORD\ndef transform_fn(model, *_): return model\n"
    assert ask(made(tmp_path, text, "other.py", SAGEMAKER_PROGRAM="other.py"), b"").body == b"helped"


def test_a_stream(tmp_path: Path):
    handler = made(tmp_path, "def model_fn(folder): return 0\ndef transform_fn(*_):\n    yield 'a'\n    yield b'b'\n")
    assert list(ask(handler, b"").body) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nowhere_at_all\n", r"ModuleNotFoundError.*\(inference.py, line 1\)"),
        ("def model_fn(:\n", r"^SyntaxError: [^(]*\(inference.py, line 1\)"),
        ("def model_fn(folder):\n    return 1 / 0\n", r"ZeroDivisionError.*\(inference.py, line 2\)"),
        ("def transform_fn(): 0\ndef predict_fn(): 0\n", "one or the other"),
    ],
)
def test_what_cannot_be_loaded(tmp_path: Path, text: str, said: str):
    with pytest.raises(Unfit, match=said) as refused:
        made(tmp_path, text)
    assert refused.value.status == 424


def test_a_script_that_is_named_and_not_there(tmp_path: Path):
    with pytest.raises(Unfit, match=r"no code/gone\.py"):
        ScriptHandler(tmp_path, {"SAGEMAKER_PROGRAM": "gone.py"})


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("def transform_fn(*_):\n    raise KeyError('age')\n", 424, b"KeyError: 'age' (inference.py, line 3)"),
        ("def transform_fn(*_): return 3\n", 424, b"output_fn gave int"),
    ],
)
def test_what_fails_is_told_with_its_place(tmp_path: Path, text: str, status: int, said: bytes):
    answer = ask(made(tmp_path, f"def model_fn(folder): return 0\n{text}"), b"")
    assert answer.status == status
    assert said in answer.body
