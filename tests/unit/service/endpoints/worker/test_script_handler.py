import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from naiad.service.endpoints.worker.inference import InferenceError, InferenceRequest, InferenceResponse
from naiad.service.endpoints.worker.script_handler import ScriptHandler


@pytest.fixture(autouse=True)
def _paths() -> Iterator[None]:
    """Restores the import path, to which a handler adds the folder of its script."""
    before, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = before
    for name in set(sys.modules) - modules:
        if name in ("inference", "other", "helper"):
            del sys.modules[name]


def make_handler(folder: Path, text: str, name: str = "inference.py", **environment: str) -> ScriptHandler:
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / name).write_text(text)
    return ScriptHandler(folder, environment)


def ask(handler: ScriptHandler, body: bytes, content_type: str = "text/plain", **more: str) -> InferenceResponse:
    (response,) = handler.handle([InferenceRequest(body, content_type, **more)])
    return response


def test_four_functions_get_text_for_text_types_and_bytes_for_others(tmp_path: Path):
    handler = make_handler(
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


def test_functions_with_one_more_parameter_get_the_context(tmp_path: Path):
    handler = make_handler(
        tmp_path,
        "def model_fn(folder, context): return context.system_properties['model_dir']\n"
        "def transform_fn(model, body, content_type, accept, context):\n"
        "    context.custom_attributes = context.custom_attributes.upper()\n"
        "    return model\n",
    )
    answer = ask(handler, b"", custom_attributes="trace=1")
    assert (answer.body.decode(), answer.custom_attributes) == (str(tmp_path), "TRACE=1")


def test_the_accepted_type_of_highest_quality_is_asked_for(tmp_path: Path):
    functions = "def model_fn(folder): return 1\ndef input_fn(body, content_type): return 1\n"
    functions += "def predict_fn(data, model): return [[0.5]]\n"
    handler = make_handler(tmp_path, functions)
    for accept, content_type in (
        ("text/csv;q=0.4, application/json;q=0.9", "application/json"),
        ("application/json;q=0, */*", "text/csv"),
        ("image/png, application/x-npy;q=0.1", "application/x-npy"),
        ("application/json; charset=utf-8", "application/json"),
    ):
        answer = ask(handler, b"", accept=accept)
        assert (answer.status, answer.content_type) == (200, content_type)
    assert ask(handler, b"", accept="image/png").status == 406
    own = make_handler(
        tmp_path, functions + "def output_fn(prediction, accept): return accept\n", "own.py", SAGEMAKER_PROGRAM="own.py"
    )
    assert ask(own, b"", accept="text/csv;q=0.4, text/x-own;q=0.5, */*;q=0.1").body == b"text/x-own"


def test_a_script_may_have_another_name_and_import_its_siblings(tmp_path: Path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "helper.py").write_text("WORD = 'helped'\n")
    text = "from helper import WORD\ndef model_fn(folder): return WORD\ndef transform_fn(model, *_): return model\n"
    assert ask(make_handler(tmp_path, text, "other.py", SAGEMAKER_PROGRAM="other.py"), b"").body == b"helped"


def test_a_generator_is_streamed(tmp_path: Path):
    handler = make_handler(
        tmp_path, "def model_fn(folder): return 0\ndef transform_fn(*_):\n    yield 'a'\n    yield b'b'\n"
    )
    assert list(ask(handler, b"").body) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere_at_all\n", r"ModuleNotFoundError.*\(inference.py, line 1\)"),
        ("def model_fn(:\n", r"^SyntaxError: [^(]*\(inference.py, line 1\)"),
        ("def model_fn(folder):\n    return 1 / 0\n", r"ZeroDivisionError.*\(inference.py, line 2\)"),
        ("def transform_fn(): 0\ndef predict_fn(): 0\n", "one or the other"),
    ],
)
def test_a_script_that_cannot_be_loaded(tmp_path: Path, text: str, message: str):
    with pytest.raises(InferenceError, match=message) as raised:
        make_handler(tmp_path, text)
    assert raised.value.status == 424


def test_a_missing_script_that_is_named(tmp_path: Path):
    with pytest.raises(InferenceError, match=r"no code/gone\.py"):
        ScriptHandler(tmp_path, {"SAGEMAKER_PROGRAM": "gone.py"})


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("def transform_fn(*_):\n    raise KeyError('age')\n", 424, b"KeyError: 'age' (inference.py, line 3)"),
        ("def transform_fn(*_): return 3\n", 424, b"output_fn returned int"),
    ],
)
def test_an_exception_is_reported_with_its_line(tmp_path: Path, text: str, status: int, message: bytes):
    answer = ask(make_handler(tmp_path, f"def model_fn(folder): return 0\n{text}"), b"")
    assert answer.status == status
    assert message in answer.body
