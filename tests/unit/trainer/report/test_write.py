import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
import torch
from PIL import Image
from torch import nn

from naiad.errors import FolderError
from naiad.trainer.artifact.program import Probabilities, Program
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.report import write_report

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Checks that tags close in order; keeps the headings and the addresses."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.sources = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in {"h1", "h2"}:
            self.headings.append(data)


def written(folder, run):
    path = write_report(folder, run.model, run.dataset, evaluation=run.evaluation, now=NOW)
    assert path == folder / "report.html"
    text = path.read_text(encoding="utf-8")
    return text, Page(text), {file.stem for file in (folder / "report").iterdir()}


def test_classification(tmp_path, classified):
    text, page, files = written(tmp_path, classified)
    assert page.headings == [
        "linear on digits", "Curves", "Classes", "Surest mistakes", "Data", "Findings of the cleaning", "Plan", "Network",
    ]  # fmt: skip
    assert files == {"loss", "validation-accuracy", "learning-rate", "confusion", "mistakes", "samples"}
    assert "logistic regression" in text
    assert "2030-01-02 03:04 UTC" in text
    assert "copies of &lt;another&gt; image" in text
    assert "650 parameters" in text
    assert text.count("true → predicted") == 1
    assert len(re.findall(r"<span>digit \d → digit \d</span>", text)) == 24


def test_regression(tmp_path, regressed):
    text, page, files = written(tmp_path, regressed)
    assert "Outcomes" in page.headings
    assert "Classes" not in page.headings
    assert files == {"loss", "validation-loss", "validation-r2", "learning-rate", "predicted-against-true", "errors"}
    assert "column 2" in text


def test_clustering(tmp_path, clustered):
    _, page, files = written(tmp_path, clustered)
    assert "Surest mistakes" not in page.headings
    assert {"clusters", "samples"} <= files


def test_the_page_opens_offline_and_nothing_partial_stays(tmp_path, classified):
    text, page, _ = written(tmp_path, classified)
    assert page.sources
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report"}
    for file in (tmp_path / "report").iterdir():
        with Image.open(file) as picture:
            picture.verify()


def test_only_a_model(tmp_path, classified):
    """As after load, without data; and without anything that a model may lack."""
    bare = replace(classified.model, history=(), evaluations={}, baseline={})
    page = Page(write_report(tmp_path, bare, None, evaluation=None).read_text())
    assert page.headings == ["linear", "Findings of the cleaning", "Plan", "Network"]


def test_a_model_shows_its_own_evaluation(tmp_path, classified):
    page = Page(write_report(tmp_path, classified.model, None, evaluation=None).read_text())
    assert {"Curves", "Classes"} <= set(page.headings)


def test_without_a_test_split(tmp_path, digits, run_of):
    program = Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), Probabilities())
    run = run_of(program, digits)
    dataset = replace(digits, validation=digits.test, test=None)
    text = write_report(tmp_path, run.model, dataset, evaluation=run.evaluation).read_text()
    assert "of the validation split" in text
    assert "Surest mistakes" in text


def test_names_that_are_no_words(tmp_path, digits, run_of):
    names = tuple(f"{'long ' * 20}класс 漢字 $x_{{{index}}} <b>&\n" for index in range(10))
    program = Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), Probabilities())
    text, _, _ = written(tmp_path, run_of(program, replace(digits, name="<i>$", classes=names)))
    assert "<b>" not in text.replace('<b style="width', "")
    assert "<h1>linear on &lt;i&gt;$</h1>" in text


@pytest.mark.parametrize("count", [1, 120])
def test_any_number_of_classes(tmp_path, digits, run_of, count):
    def regrouped(split):
        return replace(split, targets=split.targets % count)

    dataset = replace(
        digits, classes=tuple(map(str, range(count))), train=regrouped(digits.train), test=regrouped(digits.test)
    )
    program = Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, count)), Probabilities())
    written(tmp_path, run_of(program, dataset))


def test_no_mistakes(tmp_path, digits, run_of):
    one = Split(TensorSamples(digits.test.samples.tensor[:1]), torch.tensor([0]), ["index 0"])
    program = Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), Probabilities())
    _, page, files = written(tmp_path, run_of(program, replace(digits, classes=("a",), test=one, train=one)))
    assert "Surest mistakes" not in page.headings
    assert "mistakes" not in files


def test_a_folder_that_cannot_be_written(tmp_path, classified):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(FolderError):
        write_report(tmp_path / "taken", classified.model, None, evaluation=None)
