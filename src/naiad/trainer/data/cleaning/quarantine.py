"""The samples that were left out, as a file."""

import csv
from pathlib import Path

from naiad.trainer.data.findings import Findings


def write_quarantine(findings: Findings, path: Path) -> None:
    """CSV with one row a sample that was left out: name, split, kind, reason; only the header when there is none."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "split", "kind", "reason"))
        writer.writerows((item.name, item.split, item.kind, item.reason) for item in findings.quarantine)
