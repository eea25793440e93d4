"""Labels of a table: classes, numbers, and words that may be either a class or a gap."""

import pyarrow as pa

from naiad.trainer.data.cleaning.label_column import read_label


def test_labels_lose_their_spaces_and_become_numbers():
    assert read_label(pa.chunked_array([[" yes", "no ", ""]]), None).to_pylist() == ["yes", "no", None]
    numbers = read_label(pa.chunked_array([[str(i / 2) for i in range(60)] + ["unknown"]]), None)
    assert numbers.to_pylist()[-2:] == [29.5, None]
