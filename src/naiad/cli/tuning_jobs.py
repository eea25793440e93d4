"""A tuning job for people: how far it is, its trials, and the best so far."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from naiad.cli.output import format_time, print_field, print_line, print_table

_PAGE_SIZE = 100


def tuning_status(job: Mapping[str, Any]) -> str:
    """Returns ``InProgress, 3 of 10 trials, best 0.912``. job: DescribeHyperParameterTuningJob's answer."""
    parts = [job["HyperParameterTuningJobStatus"], _progress(job)]
    if best := _objective(job.get("BestTrainingJob", {})):
        parts.append(f"best {best}")
    return ", ".join(parts)


def print_tuning_job(sagemaker: Any, job: Mapping[str, Any]) -> None:
    """Prints a tuning job and its trials, the best first."""
    config = job["HyperParameterTuningJobConfig"]
    name = job["HyperParameterTuningJobName"]
    print_line(f"name      {name}")
    print_line("kind      tuning")
    print_line(f"status    {job['HyperParameterTuningJobStatus']}, {_progress(job)}")
    print_line(f"search    {config['Strategy']}")
    if text := _grid_text(job):
        print_line(f"grid      {text}")
    if reason := job.get("FailureReason"):
        print_field("failed", reason)
    for word, key in (("best", "BestTrainingJob"), ("overall", "OverallBestTrainingJob")):
        if trial := job.get(key):
            print_line(f"{word:<10}{trial['TrainingJobName']}, {_metric(trial)} {_objective(trial)}")
            for parameter, value in sorted(trial["TunedHyperParameters"].items()):
                print_field("", f"{parameter} {value}")
    print_line(f"created   {format_time(job['CreationTime'])}")
    print_line("")
    rows = [
        [trial["TrainingJobName"], trial["TrainingJobStatus"], _objective(trial) or "–", _values(trial)]
        for trial in _sorted(_trials(sagemaker, str(name)), is_maximized=_first_objective(job)["Type"] == "Maximize")
    ]
    print_table(["trial", "status", "objective", "values"], rows)


def _sorted(trials: Iterable[dict[str, Any]], *, is_maximized: bool) -> list[dict[str, Any]]:
    """Returns the trials, the best first, and those without an objective last."""

    def rank(trial: Mapping[str, Any]) -> float:
        metric = trial.get("FinalHyperParameterTuningJobObjectiveMetric")
        return math.inf if metric is None else -metric["Value"] if is_maximized else metric["Value"]

    return sorted(trials, key=rank)


def _trials(sagemaker: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yields the trials by name. AWS lists none without an objective in an order by it."""
    query = {"HyperParameterTuningJobName": name, "MaxResults": _PAGE_SIZE}
    while True:
        answer = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**query)
        yield from answer["TrainingJobSummaries"]
        if "NextToken" not in answer:
            return
        query["NextToken"] = answer["NextToken"]


def _first_objective(job: Mapping[str, Any]) -> Mapping[str, Any]:
    config = job["HyperParameterTuningJobConfig"]
    first = (job.get("TrainingJobDefinitions") or [job.get("TrainingJobDefinition", {})])[0]
    objective: Mapping[str, Any] = first.get("TuningObjective") or config["HyperParameterTuningJobObjective"]
    return objective


def _progress(job: Mapping[str, Any]) -> str:
    counters = job["TrainingJobStatusCounters"]
    ended = sum(count for name, count in counters.items() if name != "InProgress")
    limit = job["HyperParameterTuningJobConfig"]["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    return f"{ended} of {limit} trials" if limit is not None else f"{ended} trials"


def _grid_text(job: Mapping[str, Any]) -> str:
    """Returns what of a grid is run; "" for another search."""
    config = job["HyperParameterTuningJobConfig"]
    if config["Strategy"] != "Grid":
        return ""
    sources = job.get("TrainingJobDefinitions") or [job.get("TrainingJobDefinition", {})]
    ranges = [source.get("HyperParameterRanges") or config.get("ParameterRanges", {}) for source in sources]
    count = sum(math.prod(len(one["Values"]) for one in each.get("CategoricalParameterRanges", ())) for each in ranges)
    limit = config["ResourceLimits"].get("MaxNumberOfTrainingJobs", count)
    return f"{min(count, limit)} of {count} combinations are run"


def _metric(trial: Mapping[str, Any]) -> str:
    return str(trial["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"])


def _objective(trial: Mapping[str, Any]) -> str:
    metric = trial.get("FinalHyperParameterTuningJobObjectiveMetric")
    return f"{metric['Value']:.6g}" if metric else ""


def _values(trial: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_short(value)}" for name, value in sorted(trial["TunedHyperParameters"].items()))


def _short(text: str) -> str:
    """Returns a number with at most four digits, and any other text as it is."""
    try:
        number = float(text)
    except ValueError:
        return text.strip('"')
    return text if len(text) <= 6 or not math.isfinite(number) else f"{number:.4g}"
