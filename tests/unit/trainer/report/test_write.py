"""The page of a report and its files."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
import torch
from PIL import Image
from torch import nn

from naiad.errors import FolderError
from naiad.trainer.artifact.program import Program, SoftmaxHead
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.report import write_report

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Checks that tags close in order, and collects headings and addresses."""

    def __init__(self, text):
        super().__init__()
        self.open_tags, self.headings, self.sources = [], [], []
        self.feed(text)
        self.close()
        assert self.open_tags == []

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in {"src", "href"}]
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        if self.open_tags and self.open_tags[-1] in {"h1", "h2"}:
            self.headings.append(data)


def write(folder, run):
    path = write_report(folder, run.model, run.dataset, evaluation=run.evaluation, now=NOW)
    assert path == folder / "report.html"
    text = path.read_text(encoding="utf-8")
    return text, Page(text), {file.stem for file in (folder / "report").iterdir()}


def test_a_report_of_a_classification(tmp_path, classification_run):
    text, page, files = write(tmp_path, classification_run)
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


def test_a_report_of_a_regression(tmp_path, regression_run):
    text, page, files = write(tmp_path, regression_run)
    assert "Outcomes" in page.headings
    assert "Classes" not in page.headings
    assert files == {"loss", "validation-loss", "validation-r2", "learning-rate", "predicted-against-true", "errors"}
    assert "column 2" in text


def test_a_report_of_a_clustering(tmp_path, clustering_run):
    _, page, files = write(tmp_path, clustering_run)
    assert "Surest mistakes" not in page.headings
    assert {"clusters", "samples"} <= files


def test_the_page_opens_offline(tmp_path, classification_run):
    text, page, _ = write(tmp_path, classification_run)
    assert page.sources
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report"}
    for file in (tmp_path / "report").iterdir():
        with Image.open(file) as picture:
            picture.verify()


def test_a_report_of_a_model_alone(tmp_path, classification_run):
    """The model is loaded, so there is no data; and it lacks everything that a model may lack."""
    bare = replace(classification_run.model, history=(), evaluations={}, baseline={})
    page = Page(write_report(tmp_path, bare, None, evaluation=None).read_text())
    assert page.headings == ["linear", "Findings of the cleaning", "Plan", "Network"]


def test_a_model_shows_its_own_evaluation(tmp_path, classification_run):
    page = Page(write_report(tmp_path, classification_run.model, None, evaluation=None).read_text())
    assert {"Curves", "Classes"} <= set(page.headings)


def test_a_report_without_a_test_split(tmp_path, digits, make_run):
    program = Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), SoftmaxHead())
    run = make_run(program, digits)
    dataset = replace(digits, validation=digits.test, test=None)
    text = write_report(tmp_path, run.model, dataset, evaluation=run.evaluation).read_text()
    assert "of the validation split" in text
    assert "Surest mistakes" in text


def test_unusual_names_are_escaped(tmp_path, digits, make_run):
    names = tuple(f"{'long ' * 20}класс 漢字 $x_{{{index}}} <b>&\n" for index in range(10))
    program = Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), SoftmaxHead())
    text, _, _ = write(tmp_path, make_run(program, replace(digits, name="<i>$", classes=names)))
    assert "<b>" not in text.replace('<b style="width', "")
    assert "<h1>linear on &lt;i&gt;$</h1>" in text


@pytest.mark.parametrize("count", [1, 120])
def test_a_report_of_any_number_of_classes(tmp_path, digits, make_run, count):
    def regroup(split):
        return replace(split, targets=split.targets % count)

    dataset = replace(
        digits, classes=tuple(map(str, range(count))), train=regroup(digits.train), test=regroup(digits.test)
    )
    program = Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, count)), SoftmaxHead())
    write(tmp_path, make_run(program, dataset))


def test_a_report_without_mistakes(tmp_path, digits, make_run):
    one = Split(TensorSamples(digits.test.samples.tensor[:1]), torch.tensor([0]), ["index 0"])
    program = Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), SoftmaxHead())
    _, page, files = write(tmp_path, make_run(program, replace(digits, classes=("a",), test=one, train=one)))
    assert "Surest mistakes" not in page.headings
    assert "mistakes" not in files


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, classification_run):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(FolderError):
        write_report(tmp_path / "taken", classification_run.model, None, evaluation=None)


def test_a_better_method_is_named_before_the_scores(tmp_path, classification_run):
    better = "logistic regression validates better than the network: accuracy 0.9 against 0.8, on 30 samples"
    model = replace(classification_run.model, baseline={**classification_run.model.baseline, "better_method": better})
    text = write_report(tmp_path, model, None, evaluation=None).read_text()
    assert text.index("</header>") < text.index(better) < text.index('<dl class="cards">')
    assert 'class="better"' not in write_report(tmp_path, classification_run.model, None, evaluation=None).read_text()
