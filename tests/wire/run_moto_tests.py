"""Runs moto's tests of SageMaker against servers of its own: ``run_moto_tests.py FOLDER [arguments of pytest]``.

FOLDER is a checkout of https://github.com/getmoto/moto; only its folder ``tests`` is read, and moto itself is not used: what the
tests import from it stands in ``STAND_INS``, where ``mock_aws`` starts a server with an empty folder. A test is left out only
when it called an operation of ``NOT_SERVED``, or uses a class of moto's own instead of a client. The module is also the plugin of
pytest that watches the calls.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import ClassVar

import boto3
import botocore.client
import pytest

from naiad.service.keys import Keys

TESTS = ("test_sagemaker", "test_sagemakermetrics")
MOTOS_ACCOUNT, OUR_ACCOUNT = "123456789012", "000000000000"
REGION = re.compile(r"\b(?:us|eu|ap)-[a-z]+-\d\b")
OUR_REGION = "us-east-1"
OBJECTS = {
    "mybucket": ("model.tar.gz",),
    "my-bucket": (
        *("my-prefix/processing/x", "sagemaker/processing/x"),
        *(f"sagemaker/DEMO-breast-cancer-prediction//{channel}/x" for channel in ("train", "validation")),
    ),
    "some-bucket": (),
}
"""Keys by bucket that the tests name, and moto does not look for."""
_RESULTS_VARIABLE = "NAIAD_MOTO_TESTS_RESULTS"
_AGAINST_THE_MODEL = "detected: Value"
_INTERNAL = "uses a class of moto's own"
_FAMILIES: dict[str, tuple[str, ...]] = {
    "there is no CloudFormation": ("CreateStack", "DescribeStacks", "UpdateStack", "DeleteStack"),
    "the service runs no pipelines": (
        *("CreatePipeline", "ListPipelines", "UpdatePipeline", "DeletePipeline", "DescribePipeline"),
        *("StartPipelineExecution", "ListPipelineExecutions", "DescribePipelineExecution"),
    ),
    "the service has no notebooks; they run on the user's side": (
        *("CreateNotebookInstance", "ListNotebookInstances", "CreateNotebookInstanceLifecycleConfig"),
        *("DescribeNotebookInstance", "DescribeNotebookInstanceLifecycleConfig"),
    ),
    "the service has no Studio domains": ("CreateDomain", "ListDomains", "DescribeDomain"),
    "the service has no clusters; instances are processes": ("CreateCluster", "ListClusters", "DescribeCluster"),
    "the service has no feature store": ("CreateFeatureGroup", "DescribeFeatureGroup"),
    "the service has no AutoML": ("CreateAutoMLJobV2", "DescribeAutoMLJobV2", "ListAutoMLJobs", "StopAutoMLJob"),
    "models are not compiled for other machines": (
        *("CreateCompilationJob", "ListCompilationJobs", "DescribeCompilationJob"),
    ),
    "the service has no model cards": ("CreateModelCard", "ListModelCards", "DescribeModelCard", "UpdateModelCard"),
    "the service does not monitor models": (
        *("CreateDataQualityJobDefinition", "ListDataQualityJobDefinitions", "DescribeDataQualityJobDefinition"),
        *("CreateModelBiasJobDefinition", "ListModelBiasJobDefinitions", "DescribeModelBiasJobDefinition"),
        *("CreateModelExplainabilityJobDefinition", "ListModelExplainabilityJobDefinitions"),
        *("CreateModelQualityJobDefinition", "ListModelQualityJobDefinitions", "DescribeModelQualityJobDefinition"),
    ),
}
_CALL = botocore.client.BaseClient._make_api_call
NOT_SERVED = {operation: reason for reason, operations in _FAMILIES.items() for operation in operations}
"""Operations that the server does not serve, each with the reason."""
_INTERNALS = "import run_moto_tests\n\ndef __getattr__(name):\n    return run_moto_tests.skip_internal(name)\n"
STAND_INS = {
    "moto/__init__.py": "from run_moto_tests import Server as mock_aws\n",
    "freezegun.py": "from run_moto_tests import UnfrozenTime as freeze_time\n",
    "moto/settings.py": "TEST_SERVER_MODE = True\nSKIP_REQUIRES_DOCKER = True\n",
    "moto/core/__init__.py": f"DEFAULT_ACCOUNT_ID = '{OUR_ACCOUNT}'\n",
    "moto/core/utils.py": "import datetime\n\ndef utcnow():\n    return datetime.datetime.now()\n",
    **dict.fromkeys(
        (
            "moto/s3/utils.py",
            "moto/server.py",
            "moto/sagemaker/models.py",
            "moto/sagemaker/utils.py",
        ),
        _INTERNALS,
    ),
    "moto/s3/__init__.py": "",
    "moto/sagemaker/exceptions.py": "class ValidationError(Exception): ...\n",
    "moto/sagemaker/__init__.py": "",
}
"""The modules that the tests import from moto."""


class RunningServer:
    """A server in a process of its own, and the variables of the environment with which clients find it."""

    def __init__(self) -> None:
        self.is_used = False
        self._folder = Path(tempfile.mkdtemp(prefix="naiad-moto-"))
        naiad = Path(sys.executable).with_name("naiad")
        command = [naiad, "serve", "--state", self._folder, "--port", "0", "--no-warm", "--no-aws-hosts"]
        log = self._folder / "server.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        while not (match := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            if self._process.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.02)
        key = Keys.open(self._folder).first()
        os.environ |= {
            "AWS_ENDPOINT_URL": match[0],
            "AWS_ACCESS_KEY_ID": key.access_key,
            "AWS_SECRET_ACCESS_KEY": key.secret_key,
        }
        boto3.DEFAULT_SESSION = None  # it remembers the key of the server before
        s3 = boto3.client("s3", region_name=OUR_REGION)
        for bucket, keys in OBJECTS.items():
            _CALL(s3, "CreateBucket", {"Bucket": bucket})
            for name in keys:
                _CALL(s3, "PutObject", {"Bucket": bucket, "Key": name, "Body": b""})

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class Server(contextlib.ContextDecorator):
    """Stands for ``mock_aws``: in it, clients talk to a server that nobody has used before."""

    running: ClassVar[RunningServer | None] = None

    def __new__(cls, function=None):
        made = super().__new__(cls)
        return made if function is None else made(function)

    def __enter__(self):
        if Server.running is None or Server.running.is_used:
            Server.end()
            Server.running = RunningServer()
        return self

    start = __enter__

    def __exit__(self, *_): ...

    def stop(self): ...

    @staticmethod
    def end() -> None:
        if Server.running is not None:
            Server.running.stop()
        Server.running = None


class UnfrozenTime(contextlib.ContextDecorator):
    """Stands for freezegun's ``freeze_time``, and changes nothing: the server has a clock of its own."""

    def __init__(self, _time: str) -> None: ...

    def __enter__(self):
        return self

    def __exit__(self, *_): ...


class _Internal:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_arguments, **_options):
        pytest.skip(f"{_INTERNAL}: {self._name}")

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        pytest.skip(f"{_INTERNAL}: {self._name}")


def skip_internal(name: str) -> _Internal:
    """Stands for a class or function of moto's own; a test that uses it is skipped."""
    if name.startswith("__"):
        raise AttributeError(name)
    return _Internal(name)


class CallRecorder:
    """Plugin of pytest: writes one line of JSON for each test, with its outcome and the operations that it called."""

    def __init__(self, results: Path) -> None:
        self._results, self._called = results, set()
        recorder = self

        def recorded_call(client, operation_name, parameters):
            recorder._called.add(operation_name)
            if operation_name in NOT_SERVED:
                pytest.skip(NOT_SERVED[operation_name])
            if Server.running is not None:
                Server.running.is_used = True
            return _CALL(client, operation_name, parameters)

        botocore.client.BaseClient._make_api_call = recorded_call

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self._called.clear()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if report.when == "call" or report.outcome != "passed":
            message = str(call.excinfo.value)[:300] if call.excinfo else ""
            line = {"test": item.nodeid, "outcome": report.outcome, "called": sorted(self._called), "message": message}
            with self._results.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return report

    def pytest_unconfigure(self):
        Server.end()


def pytest_configure(config) -> None:
    if _RESULTS_VARIABLE in os.environ:
        config.pluginmanager.register(CallRecorder(Path(os.environ[_RESULTS_VARIABLE])))


def main(folder: Path, arguments: list[str]) -> int:
    """Returns the exit status of the summary."""
    with tempfile.TemporaryDirectory(prefix="naiad-moto-tests-") as temporary:
        place = Path(temporary)
        _copy_tests(folder, place)
        for name, text in STAND_INS.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        environment = {
            **os.environ,
            _RESULTS_VARIABLE: str(place / "results"),
            "AWS_DEFAULT_REGION": OUR_REGION,
            "PYTHONPATH": os.pathsep.join((str(place), str(Path(__file__).parent))),
        }
        command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "run_moto_tests", "-p", "no:cacheprovider"]
        paths = [str(place / "tests" / name) for name in TESTS]
        subprocess.run([*command, "--rootdir", place, *paths, *arguments], cwd=place, env=environment, check=False)
        return _summarize([json.loads(line) for line in (place / "results").read_text().splitlines()])


def _copy_tests(folder: Path, place: Path) -> None:
    """Copies the tests, with this service's account and its one region in the place of moto's."""
    (place / "tests").mkdir()
    (place / "tests" / "__init__.py").touch()
    shutil.copy(folder / "tests" / "markers.py", place / "tests")
    for name in TESTS:
        shutil.copytree(folder / "tests" / name, place / "tests" / name)
        for path in (place / "tests" / name).glob("*.py"):
            text = path.read_text().replace(MOTOS_ACCOUNT, OUR_ACCOUNT).replace("s3://MyBucket", "s3://mybucket")
            path.write_text(REGION.sub(OUR_REGION, text))


def _summarize(rows: list[dict]) -> int:
    left_out, refused, failed, passed, reasons = set(), set(), [], 0, Counter()
    for row in rows:
        operations = sorted(NOT_SERVED.keys() & set(row["called"]))
        if operations or row["outcome"] == "skipped":
            left_out.add(row["test"])
            reasons[NOT_SERVED[operations[0]] if operations else row["message"].removeprefix("Skipped: ")] += 1
        elif row["outcome"] == "passed":
            passed += 1
        elif _AGAINST_THE_MODEL in row["message"]:
            refused.add(row["test"])
        else:
            failed.append(row)
    for row in failed:
        first_line = row["message"].splitlines()[0] if row["message"] else ""
        print(f"FAILED {row['test'].rpartition('/')[2]} ({', '.join(row['called'])}): {first_line}")
    for reason, count in sorted(reasons.items()):
        print(f"left out {count:3d}: {reason}")
    count = passed + len(failed)
    print(f"refused  {len(refused):3d}: AWS's published model does not allow the request of the test")
    print(f"{passed} of {count} pass ({passed / max(count, 1):.1%}); {len(left_out)} left out, {len(rows)} in all")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2:]))
