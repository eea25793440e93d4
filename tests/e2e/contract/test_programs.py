"""The start and the end of a program, and the reasons of failures."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

LIMITS = {"NAIAD_STOP_TIMEOUT_S": "0.5"}


def phases(jobs: Any, name: str) -> list[str]:
    return [step["Status"] for step in jobs.end(name)["SecondaryStatusTransitions"]]


def test_a_container_entrypoint(jobs: Any, channel: Any) -> None:
    """A program of the system, and one in a channel."""
    jobs.put({"entry/run": b'#!/bin/sh\necho "ran with $1 in $(pwd)"\n'})
    image = {"TrainingImage": "any/image", "TrainingInputMode": "File"}
    words = {
        "ContainerEntrypoint": ["sh", "-c"],
        "ContainerArguments": ['echo "$TRAINING_JOB_NAME" "$SM_CURRENT_HOST"'],
    }
    system = jobs.start("entry-system", AlgorithmSpecification={**image, **words})
    words = {"ContainerEntrypoint": ["/opt/ml/input/data/bin/run"], "ContainerArguments": ["an argument"]}
    in_channel = jobs.start(
        "entry-own", AlgorithmSpecification={**image, **words}, InputDataConfig=[channel("bin", "entry/")]
    )
    assert jobs.completed(system) == ["entry-system algo-1"]
    assert jobs.completed(in_channel) == ["ran with an argument in /opt/ml/code"]


def test_hyperparameters_of_all_clients(jobs: Any) -> None:
    """SDK 2 writes JSON, others plain text; the program sees the same."""
    program = "import json, os, sys; print(sys.argv[1:], os.environ['SM_HP_NAME'], json.loads(os.environ['SM_HPS']))"
    values = {"lr": 0.5, "name": "a b", "sizes": [1, 2], "flag": True}
    plain = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    quoted = {name: json.dumps(value) for name, value in values.items()}
    both = [
        jobs.python(f"hyper-{number}", program, HyperParameters=hyperparameters)
        for number, hyperparameters in enumerate((plain, quoted))
    ]
    arguments = ["--flag", "True", "--lr", "0.5", "--name", "a b", "--sizes", "[1, 2]"]
    assert [jobs.completed(name) for name in both] == [[f"{arguments} a b {dict(sorted(values.items()))}"]] * 2


def test_the_time_limit(jobs: Any) -> None:
    limit = {"MaxRuntimeInSeconds": 1}
    polite = jobs.shell("late-polite", "echo started; sleep 600", StoppingCondition=limit)
    program = "trap '' TERM; echo started; while :; do sleep 0.1; done"
    stubborn = jobs.shell("late-stubborn", program, StoppingCondition=limit, Environment=LIMITS)
    for name in (polite, stubborn):
        described = jobs.end(name)
        assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_program_that_ignores_a_stop_is_killed(jobs: Any) -> None:
    name = jobs.shell("stubborn", "trap '' TERM; echo started; while :; do sleep 0.1; done", Environment=LIMITS)
    jobs.wait_for_output(name, "started")
    jobs.server.client("sagemaker").stop_training_job(TrainingJobName=name)
    assert jobs.end(name)["TrainingJobStatus"] == "Stopped"


def test_a_program_that_reacts_to_a_stop_leaves_its_model(jobs: Any) -> None:
    program = "trap 'echo w > /opt/ml/model/w; exit 0' TERM; echo started; while :; do sleep 0.1; done"
    name = jobs.shell("polite", program)
    jobs.wait_for_output(name, "started")
    jobs.server.client("sagemaker").stop_training_job(TrainingJobName=name)
    assert jobs.end(name)["TrainingJobStatus"] == "Stopped"
    assert jobs.packed("out/polite/output/model.tar.gz") == {"w": b"w\n"}


def test_failure_reasons(jobs: Any) -> None:
    written = jobs.shell("why-written", "echo 'the data are bad' > /opt/ml/output/failure; exit 1")
    killed = jobs.python("why-killed", "import os; os.kill(os.getpid(), 11)")
    raised = jobs.python("why-raised", "def f():\n    raise KeyError('x')\nf()")
    assert jobs.failed(written) == "the data are bad"
    assert jobs.failed(killed).startswith("AlgorithmError: the program was ended by SIGSEGV")
    assert jobs.failed(raised) == "AlgorithmError: KeyError: 'x' (train.py, line 2)"


def test_a_failure_of_the_program_is_not_retried(jobs: Any) -> None:
    name = jobs.shell("retry", "exit 1", RetryStrategy={"MaximumRetryAttempts": 3})
    assert jobs.failed(name) == "AlgorithmError: the program ended with exit status 1"
    assert phases(jobs, name).count("Starting") == 1


def test_the_environment_is_that_of_the_request(jobs: Any) -> None:
    variables = {
        "PATH": "/opt/ml/code/bin:/usr/bin:/bin",
        "GREETING": "one\ntwo = 'three' $HOME",
        "UID": "7",
        "OPTIND": "x",
    }
    program = "import os; print(*(repr(os.environ[name]) for name in ('PATH', 'GREETING', 'UID', 'OPTIND')))"
    words = {"ContainerEntrypoint": ["python3", "-c", program]}
    image = {"TrainingImage": "any/image", "TrainingInputMode": "File"}
    name = jobs.start("environment", AlgorithmSpecification={**image, **words}, Environment=variables)
    assert jobs.completed(name) == [" ".join(map(repr, variables.values()))]


def test_strange_output(jobs: Any) -> None:
    long = jobs.shell("no-newline", "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo end")
    binary = jobs.shell("binary", "head -c 3000000 /dev/urandom; echo; echo end")
    assert jobs.end(long)["TrainingJobStatus"] == "Completed"
    assert jobs.end(binary)["TrainingJobStatus"] == "Completed"
    assert last_line(jobs, long) == last_line(jobs, binary) == "end"


def last_line(jobs: Any, name: str) -> str:
    logs, group = jobs.server.client("logs"), "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], limit=1)
    return str(page["events"][-1]["message"])


def test_children_that_outlive_the_program_are_killed(jobs: Any) -> None:
    """Children in another session are killed too: otherwise they would write on."""
    program = """
        touch /opt/ml/output/data/alive
        setsid sh -c 'while :; do date +%s%N > /tmp/clock; sleep 0.05; done' > /dev/null 2>&1 &
        sleep 600 &
        while [ ! -s /tmp/clock ]; do sleep 0.02; done
    """
    start = time.monotonic()
    name = jobs.shell("children", program)
    assert jobs.end(name)["TrainingJobStatus"] == "Completed"
    assert time.monotonic() - start < 60
    assert not [words for words in processes() if "/tmp/clock" in words]  # the job's own


def processes() -> list[str]:
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(file.read_text(errors="replace"))
        except OSError:
            continue
    return commands


@pytest.mark.slow
def test_the_sdks_torch_distributed(jobs: Any) -> None:
    """Both instances reduce a value."""
    program = """
        import torch, torch.distributed as dist
        dist.init_process_group("gloo")
        value = torch.ones(1) * (dist.get_rank() + 1)
        dist.all_reduce(value)
        print("the sum of", dist.get_world_size(), "is", value.item())
        dist.destroy_process_group()
    """
    settings = {"sagemaker_torch_distributed_enabled": "true"}
    name = jobs.python("torchrun", program, hosts=2, HyperParameters=settings)
    jobs.end(name, within_s=300)  # four interpreters load torch
    assert "the sum of 2 is 3.0" in jobs.completed(name)
    assert "the sum of 2 is 3.0" in jobs.lines(name, host=2)
