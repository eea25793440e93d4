"""Prints an evaluation, given as JSON, on a terminal."""

from typing import Any

from naiad.cli.output import print_line, print_table


def format_evaluation(evaluation: dict[str, Any]) -> str:
    metrics = " | ".join(f"{name} {format_score(value)}" for name, value in evaluation["metrics"].items())
    return f"{metrics} | loss {format_score(evaluation['loss'])} | {evaluation['samples']:,} samples"


def format_score(value: float | None) -> str:
    """Returns four decimals, or a dash for a score that could not be computed."""
    return "–" if value is None else f"{value:.4f}"


def print_evaluation(evaluation: dict[str, Any]) -> None:
    print_line(format_evaluation(evaluation))
    if per_class := evaluation.get("per_class"):
        print_line("")
        rows = [
            [
                str(scores["name"]),
                *(format_score(scores[metric]) for metric in ("precision", "recall", "f1")),
                f"{scores['support']:,}",
            ]
            for scores in per_class
        ]
        print_table(["class", "precision", "recall", "f1", "samples"], rows)
