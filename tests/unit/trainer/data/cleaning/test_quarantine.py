"""File of quarantined samples."""

from pathlib import Path

from naiad.trainer.data.cleaning.quarantine import write_quarantine
from naiad.trainer.data.findings import Findings, QuarantineEntry


def test_each_entry_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.csv"
    write_quarantine(Findings(quarantine=(QuarantineEntry("a, b.png", "train", "unreadable-image", "why"),)), path)
    assert path.read_text().splitlines() == ["name,split,kind,reason", '"a, b.png",train,unreadable-image,why']
