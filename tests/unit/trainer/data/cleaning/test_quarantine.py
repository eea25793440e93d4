from pathlib import Path

from naiad.trainer.data.cleaning.quarantine import write_quarantine
from naiad.trainer.data.findings import Findings, Quarantined


def test_one_row_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.csv"
    write_quarantine(Findings(quarantine=(Quarantined("a, b.png", "train", "unreadable-image", "why"),)), path)
    assert path.read_text().splitlines() == ["name,split,kind,reason", '"a, b.png",train,unreadable-image,why']
