"""The report of a run: one HTML file that opens offline, and its figures as PNG files."""

from naiad.trainer.report.write import write_report

__all__ = ["write_report"]
