from typing import Any

import pytest

from naiad.service.contract.training_toolkit import decode_value
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.script_request import Script, check_distribution, process_count, script_of

CODE = "s3://naiad/source.tar.gz"


def request(program: str | None, source: str | None = CODE, **changed: Any) -> dict[str, Any]:
    values = {"sagemaker_program": program, "sagemaker_submit_directory": source}
    return {"HyperParameters": {name: text for name, text in values.items() if text is not None}, **changed}


@pytest.mark.parametrize("program", ["train.py", '"train.py"', "bin/run-it.sh", "solver", "a+b_c.py"])
def test_a_script_and_its_source(program: str) -> None:
    assert script_of(request(program)) == Script(program.strip('"'), CODE)


def test_the_variable_of_an_image_names_the_script_too() -> None:
    named = request(None, Environment={"SAGEMAKER_PROGRAM": "other.py"})
    assert script_of(named).program == "other.py"


@pytest.mark.parametrize(
    "program", ["../train.py", "/train.py", "-c", "a b.py", "train.py;id", "./train.py", "a//b.py", "$X"]
)
def test_a_name_that_a_shell_would_read_is_refused(program: str) -> None:
    with pytest.raises(Invalid, match=r"sagemaker_program is .*: give a path in the source of letters"):
        script_of(request(program))


@pytest.mark.parametrize(
    ("program", "source", "message"),
    [
        (None, CODE, "there is nothing to run"),
        ("5", CODE, "must be texts"),
        ("train.py", "[1]", "must be texts"),
        (
            "train.py",
            None,
            "sagemaker_submit_directory is missing: give the s3:// URI of the archive that holds 'train.py'",
        ),
        ("train.py", "/opt/ml/input/data/code", "is not the folder of a channel: give an s3:// URI"),
        ("train.py", "/opt/ml/input/data/train/../../x", "is not the folder of a channel"),
        ("train.py", "/opt/ml/code", "is not the folder of a channel"),
    ],
)
def test_a_script_that_cannot_run_is_refused(program: str | None, source: str | None, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        script_of(request(program, source, InputDataConfig=[{"ChannelName": "train"}]))


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sagemaker_distributed_dataparallel_enabled", "smdistributed"),
        ("sagemaker_parameter_server_enabled", "parameter server"),
        ("sagemaker_multi_worker_mirrored_strategy_enabled", "MultiWorkerMirroredStrategy"),
        ("sagemaker_pytorch_xla_multi_worker_enabled", "XLA"),
    ],
)
def test_launchers_that_are_not_here_are_refused(name: str, what: str) -> None:
    with pytest.raises(Invalid, match=f"the hyperparameter {name} asks for .*{what}"):
        check_distribution({name: "true"})
    check_distribution({name: "false"})


def test_mpi_is_refused_without_mpirun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Invalid, match="MPI needs mpirun on the server's machine, and there is none: install Open MPI"):
        check_distribution({"sagemaker_mpi_enabled": "true"})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sagemaker_mpi_custom_mpi_options", "--NCCL_DEBUG", "has --NCCL_DEBUG without a value: give one"),
        ("sagemaker_mpi_custom_mpi_options", "-x 'A=b", "cannot be split into words: No closing quotation"),
        ("sagemaker_mpi_custom_mpi_options", "5", "is 5: give a text"),
        ("sagemaker_mpi_num_of_processes_per_host", '"two"', "is 'two': give a whole number"),
        ("sagemaker_mpi_num_of_processes_per_host", "-1", "is -1: give a whole number"),
        ("sagemaker_mpi_num_processes", "1.5", "is 1.5: give a whole number"),
        ("sagemaker_mpi_num_processes", "true", "is True: give a whole number"),
    ],
)
def test_values_of_a_distribution_that_no_launcher_takes(name: str, text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        check_distribution({name: text})


@pytest.mark.parametrize(("text", "count"), [("2", 2), ('"2"', 2), ("0", None), ("null", None), ('""', None)])
def test_numbers_of_processes(text: str, count: int | None) -> None:
    check_distribution({"sagemaker_mpi_num_processes": text})
    assert process_count({"processes": decode_value(text)}, "processes") == count
