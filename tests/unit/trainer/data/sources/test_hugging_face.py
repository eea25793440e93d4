"""Datasets of Hugging Face: images, arrays, rows, streams and splits."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch.utils.data import Subset

from naiad.errors import DataError
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.raw_data import InputKind

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)


def images(names: list[str] | None = None, *, labels: tuple[int, ...] = (0, 1, 1, 0)) -> Any:
    columns = {"image": [Image.new("L", (4, 4), 10 * index) for index in range(4)], "label": list(labels)}
    label = datasets.ClassLabel(names=names or ["cat", "dog"])
    return datasets.Dataset.from_dict(columns, features=datasets.Features({"image": datasets.Image(), "label": label}))


def test_images_and_the_names_of_their_classes() -> None:
    raw = open_source(images())
    split = raw.splits["train"]
    assert (raw.kind, raw.classes) == (InputKind.PIL_IMAGES, ("cat", "dog"))
    assert split.targets.tolist() == [0, 1, 1, 0]  # type: ignore[union-attr]
    assert split.inputs.open(3).getpixel((0, 0)) == 30
    part = open_source(Subset(images(), [2, 0]))
    assert (part.classes, part.splits["train"].targets.tolist()) == (("cat", "dog"), [1, 0])  # type: ignore[union-attr]


def test_arrays_in_torchs_format() -> None:
    data = datasets.Dataset.from_dict({"x": [[1.0, 2.0], [3.0, 4.0]], "y": [0, 1]})
    for given in (data, data.with_format("torch"), data.with_format("numpy")):
        split = open_source(given).splits["train"]
        assert split.inputs.tolist() == [[1, 2], [3, 4]]
        assert split.targets.tolist() == [0, 1]  # type: ignore[union-attr]


def test_rows_are_a_table_with_the_names_of_classes() -> None:
    data = datasets.Dataset.from_dict({"age": [1, 2, 3], "city": ["a", "b", "a"], "label": ["no", "yes", "no"]})
    raw = open_source(data.class_encode_column("label"))
    assert (raw.kind, raw.label) == (InputKind.TABLE, "label")
    assert raw.splits["train"].inputs["label"].to_pylist() == ["no", "yes", "no"]


def test_a_stream_and_a_dictionary_of_splits() -> None:
    data = datasets.Dataset.from_dict({"x": [[1.0, 2.0], [3.0, 4.0]], "label": [0, 1]})
    assert open_source(data.to_iterable_dataset()).splits["train"].inputs.tolist() == [[1, 2], [3, 4]]
    raw = open_source(datasets.DatasetDict({"train": data, "test": data}))
    assert {name: len(split) for name, split in raw.splits.items()} == {"train": 2, "test": 2}


def test_the_label_is_named_where_there_are_several() -> None:
    data = datasets.Dataset.from_dict({"x": [[1.0], [2.0]], "coarse": [0, 0], "fine": [0, 1]})
    assert open_source(data, label="fine").splits["train"].targets.tolist() == [0, 1]  # type: ignore[union-attr]
    with pytest.raises(DataError, match="x, coarse, fine"):
        open_source(data)


def test_items_of_several_lengths_are_refused() -> None:
    data = datasets.Dataset.from_dict({"input_ids": [[1, 2], [3]], "label": [0, 1]})
    with pytest.raises(DataError, match="item 1 is"):
        open_source(data.with_format("torch"))


def test_the_label_minus_one_is_no_class() -> None:
    raw = open_source(images(labels=(0, 1, -1, 0)))
    assert (raw.splits["train"].targets.tolist(), raw.classes) == (["cat", "dog", "", "cat"], ())  # type: ignore[union-attr]
