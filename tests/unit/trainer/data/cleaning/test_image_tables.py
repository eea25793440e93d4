"""Tables that name image files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.cleaning.image_tables import image_paths_of, replace_image_paths
from naiad.trainer.data.column_types import parse_types
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.raw_data import InputKind
from naiad.trainer.data.sources.table_options import TableOptions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with 24 pictures in ``pictures``, and ``labels.csv``, which names them and their classes."""
    (tmp_path / "pictures").mkdir()
    lines = ["file,label"]
    for index in range(24):
        pixels = np.full((8, 8, 3), 9 * index, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{index}.png")
        lines.append(f"pictures/{index}.png,{'cat' if index % 2 else 'dog'}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


def test_the_images_are_learnt_from(folder):
    dataset = prepare(folder / "labels.csv")
    assert dataset.schema.to_json()["kind"] == "image"
    assert dataset.classes == ("cat", "dog")
    assert dataset.train.names[0].startswith("pictures/")
    assert any("column 'file' names are learnt from" in item.message for item in dataset.findings.items)


def test_a_folder_of_images_with_a_table(folder):
    assert prepare(folder).classes == ("cat", "dog")


def test_names_without_their_folder_and_whole_paths(folder):
    table = pd.read_csv(folder / "labels.csv")
    table.assign(file=table.file.str.removeprefix("pictures/")).to_csv(folder / "labels.csv", index=False)
    assert len(prepare(folder / "labels.csv").train) > 15
    whole = table.assign(file=str(folder) + "/" + table.file)
    assert prepare(whole).classes == ("cat", "dog")


def test_a_missing_file_is_quarantined(folder):
    with (folder / "labels.csv").open("a") as file:
        file.write("\npictures/none.png,cat")
    dataset = prepare(folder / "labels.csv")
    assert [entry.name for entry in dataset.findings.quarantine if entry.kind == "unreadable-image"] == [
        "pictures/none.png"
    ]


def test_files_that_are_not_there_are_an_error(tmp_path):
    (tmp_path / "labels.csv").write_text("file,label\n" + "".join(f"a/{i}.jpg,{i % 2}\n" for i in range(30)))
    with pytest.raises(DataError, match=r"'file' names images such as 'a/0.jpg', which are not in") as caught:
        prepare(tmp_path / "labels.csv")
    assert "'ignore'" in str(caught.value.hint)


def test_beside_other_columns_the_names_are_left_out_and_reported(folder):
    table = pd.read_csv(folder / "labels.csv").assign(weight=np.random.default_rng(0).normal(size=24))
    table.to_csv(folder / "labels.csv", index=False)
    dataset = prepare(folder / "labels.csv")
    assert [column.name for column in dataset.schema.columns] == ["weight"]
    assert "image-column" in {item.kind for item in dataset.findings.items}
    asked = prepare(folder / "labels.csv", DataOptions(types={"file": "image"}))
    assert asked.schema.to_json()["kind"] == "image"
    assert any(item.examples == ("weight",) for item in asked.findings.items)


def test_the_names_may_be_a_category(folder):
    dataset = prepare(folder / "labels.csv", DataOptions(types={"file": "text"}))
    assert len(dataset.schema.columns[0].categories) == 24


def test_two_columns_of_images_are_an_error(folder):
    table = pd.read_csv(folder / "labels.csv")
    raw = open_source(table.assign(other=table.file), table=TableOptions(types=parse_types({})))
    with pytest.raises(DataError, match="'file', 'other' name images"):
        replace_image_paths(raw)


def test_other_data_stay_as_they_are():
    raw = open_source(pa.table({"x": ["a.b", "c.d"], "label": [0, 1]}))
    assert replace_image_paths(raw) is raw
    assert raw.kind is InputKind.TABLE


def test_paths_for_a_model_of_images(folder):
    assert image_paths_of(folder / "labels.csv")[1] == folder / "pictures" / "1.png"
    with pytest.raises(DataError, match="no column names images"):
        image_paths_of({"x": [1, 2]})
