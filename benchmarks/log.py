"""Rows for LOG.md: the claim and its values, with machine, versions and number of runs."""

import datetime as dt
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import torch


def describe_machine() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next(
        (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")),
        platform.processor(),
    )
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    bf16 = "amx" if "amx_bf16" in flags else "avx512_bf16" if "avx512_bf16" in flags else "no bf16"
    return f"{model}, {torch.get_num_threads()} threads, {bf16}"


def log_row(claim: str, values: Sequence[float], *, unit: str, script: str, goal: str = "", note: str = "") -> str:
    """Returns one line of LOG.md's table."""
    mean = statistics.fmean(values)
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    median = statistics.median(values)
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    date = dt.datetime.now(dt.UTC).date().isoformat()
    cells = (
        date,
        claim,
        goal,
        f"{mean:.4g} ± {spread:.2g} {unit} (median {median:.4g})",
        str(len(values)),
        describe_machine(),
        versions,
        script,
        note,
    )
    return "| " + " | ".join(cells) + " |"
