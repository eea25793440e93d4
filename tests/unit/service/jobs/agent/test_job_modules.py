"""The modules that a script finds under the toolkit's name when the toolkit is not installed."""

import json
import os
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path
from typing import Any

import pytest

from naiad.service.jobs.agent import environment

JOB_MODULES = Path(environment.__file__).parent / "job_modules"
RESOURCES = {"current_host": "algo-1", "current_instance_type": "ml.m5.large", "hosts": ["algo-1", "algo-2"]}


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    config = tmp_path / "ml" / "input" / "config"
    config.mkdir(parents=True)
    (tmp_path / "ml" / "output").mkdir()
    files = {
        "hyperparameters": {"learning-rate": "0.5", "sagemaker_program": "train.py", "flag": "true"},
        "resourceconfig": RESOURCES,
        "inputdataconfig": {"train": {"TrainingInputMode": "File"}},
    }
    for name, content in files.items():
        (config / f"{name}.json").write_text(json.dumps(content))
    return tmp_path / "ml"


def run_program(ml: Path, program: str) -> str:
    variables = {**os.environ, "SAGEMAKER_BASE_DIR": str(ml), "PYTHONPATH": str(JOB_MODULES), "SM_NUM_CPUS": "3"}
    words = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(words, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_environment_of_a_job(ml: Path) -> None:
    shown = run_program(
        ml,
        """
        import json
        from sagemaker_training import environment, params
        env = environment.Environment()
        assert dict(env)["hosts"] == env.hosts == env["hosts"]
        assert "hosts" in env.properties() and not hasattr(env, "nothing")
        variables = env.to_env_vars()
        print(json.dumps([env.hyperparameters, env.is_master, env.to_cmd_args(), env.user_entry_point, env.num_cpus,
                          environment.model_dir, environment.channel_path("train"), variables["SM_HP_LEARNING-RATE"],
                          params.USER_PROGRAM_PARAM]))
        """,
    )
    assert json.loads(shown) == [
        {"learning-rate": 0.5, "flag": True},
        True,
        ["--flag", "True", "--learning-rate", "0.5"],
        "train.py",
        3,
        f"{ml}/model",
        f"{ml}/input/data/train",
        "0.5",
        "sagemaker_program",
    ]


def test_mappings(ml: Path) -> None:
    shown = run_program(
        ml,
        """
        from sagemaker_training import mapping
        print(mapping.to_env_vars({"a": True, "b": None}), mapping.to_cmd_args({"x": {"k": 1}}))
        print(*mapping.split_by_criteria({"a": 1, "bb": 2, "c": 3}, keys=["a"], prefix="b"))
        """,
    )
    assert shown.splitlines() == [
        "{'SM_A': 'true', 'SM_B': ''} ['-x', 'k=1']",
        "{'a': 1, 'bb': 2} {'c': 3}",
    ]


def test_a_container_of_ones_own_runs_its_script(ml: Path, tmp_path: Path) -> None:
    """Calls what a program ``train`` calls that was built with the toolkit."""
    script = tmp_path / "train.py"
    script.write_text("import os, sys; print(sys.argv, os.environ['MINE'], flush=True); sys.exit(len(sys.argv) - 1)")
    with tarfile.open(tmp_path / "source.tar.gz", "w:gz") as tar:
        tar.add(script, "train.py")
    shown = run_program(
        ml,
        f"""
        from sagemaker_training import entry_point, errors, files
        run = lambda *args: entry_point.run({str(tmp_path / "source.tar.gz")!r}, "train.py", list(args), {{"MINE": "1"}})
        run()
        try:
            run("x")
        except errors.ExecuteUserScriptError as error:
            files.write_failure_file(str(error))
        files.write_success_file()
        """,
    )
    assert shown.splitlines() == ["['train.py'] 1", "['train.py', 'x'] 1"]
    assert "ExitCode 1" in (ml / "output" / "failure").read_text()
    assert (ml / "output" / "success").exists()


def test_an_archive_that_leads_out_of_its_folder_is_refused(ml: Path, tmp_path: Path) -> None:
    """The filter of Python 3.11.7 lets such links pass (CVE-2025-4517)."""
    with tarfile.open(tmp_path / "source.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "train.py"
        tar.addfile(link)
    shown = run_program(
        ml,
        f"""
        from naiad.errors import ArchiveError
        from sagemaker_training import files
        try:
            files.download_and_extract({str(tmp_path / "source.tar.gz")!r}, {str(tmp_path / "code")!r})
        except ArchiveError as error:
            print(error)
        """,
    )
    assert shown == "the archive holds 'link', which is neither a file nor a folder"
    assert not (tmp_path / "code" / "link").is_symlink()


def test_a_script_imports_it(run: Any) -> None:
    program = """
        import sagemaker_training
        from sagemaker_training import environment
        print(environment.Environment().job_name, environment.model_dir)
    """
    assert run(program).lines == ["one /opt/ml/model"]
