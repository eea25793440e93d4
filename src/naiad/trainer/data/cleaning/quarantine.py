"""Writes the quarantined samples to a file."""

import csv
from pathlib import Path

from naiad.trainer.data.findings import Findings


def write_quarantine(findings: Findings, path: Path) -> None:
    """Writes CSV with the columns name, split, kind and reason, one row a quarantined sample. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(("name", "split", "kind", "reason"))
        writer.writerows((entry.name, entry.split, entry.kind, entry.reason) for entry in findings.quarantine)
