"""File of quarantined samples."""

from pathlib import Path

from naiad.trainer.data.cleaning.quarantine import write_quarantine
from naiad.trainer.data.findings import Findings, QuarantineEntry


def test_each_entry_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.csv"
    write_quarantine(Findings(quarantine=(QuarantineEntry("a, b.png", "train", "unreadable-image", "why"),)), path)
    assert path.read_text().splitlines() == ["name,split,kind,reason", '"a, b.png",train,unreadable-image,why']


def test_names_that_are_not_utf8_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.csv"
    write_quarantine(Findings(quarantine=(QuarantineEntry("caf\udce9.png", "train", "unreadable-image", "why"),)), path)
    assert path.read_text(encoding="utf-8").splitlines()[1] == "caf\\udce9.png,train,unreadable-image,why"
