"""Runs ceph's s3-tests against a server of its own: ``run_s3_tests.py FOLDER [arguments of pytest]``.

FOLDER is a checkout of https://github.com/ceph/s3-tests; its requirements must be importable (PYTHONPATH). A test is left out
only when it calls an operation of ``NOT_SERVED``, whether it passes or not. Ends with status 0 when at least 90 % of the others
pass. The module is also the plugin of pytest that watches the calls.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import types
from collections import Counter
from pathlib import Path

import boto3
import botocore.client
import pytest
from botocore import xform_name

from naiad.service.keys import Keys

NEEDED_SHARE = 0.9
FILES = ("test_s3.py", "test_headers.py")
_RESULTS_VARIABLE = "NAIAD_S3_TESTS_RESULTS"
_NO_VERSIONS = "objects have no versions"
_NO_RULES = "no rules run on buckets by themselves"
_NO_POLICIES = "there is one account, and no policies: a key reaches everything"
_NO_LOCKS = "objects cannot be locked"
NOT_SERVED: dict[str, str] = {
    "PutBucketVersioning": _NO_VERSIONS,
    "PutBucketLifecycleConfiguration": _NO_RULES,
    "PutBucketLifecycle": _NO_RULES,
    "PutBucketPolicy": _NO_POLICIES,
    "PutBucketAcl": _NO_POLICIES,
    "PutObjectAcl": _NO_POLICIES,
    "PutBucketCors": "the server answers no web page of another origin",
    "PutBucketLogging": "the server writes no access logs into buckets",
    "PostBucketLogging": "the server writes no access logs into buckets",
    "PutBucketWebsite": "buckets are no web sites",
    "PutBucketNotificationConfiguration": "there are no topics and queues",
    "PutBucketReplication": "there is one store",
    "PutObjectLockConfiguration": _NO_LOCKS,
    "PutObjectRetention": _NO_LOCKS,
    "PutObjectLegalHold": _NO_LOCKS,
    "GetObjectTorrent": "AWS has ended it too",
    "RestoreObject": "there are no archives",
    "SelectObjectContent": "AWS has ended it for new users",
}
"""Operations that the server does not serve, each with the reason."""
_CONFIGURATION = """\
[DEFAULT]
host = 127.0.0.1
port = {port}
is_secure = False
ssl_verify = False
[fixtures]
bucket prefix = s3tests-{{random}}-
[s3 main]
display_name = naiad
user_id = 000000000000
email = main@example.com
api_name =
access_key = {main[0]}
secret_key = {main[1]}
[s3 alt]
display_name = naiad
user_id = 000000000000
email = alt@example.com
access_key = {alt[0]}
secret_key = {alt[1]}
[s3 tenant]
display_name = naiad
user_id = 000000000000
email = tenant@example.com
tenant = naiad
access_key = {alt[0]}
secret_key = {alt[1]}
[iam]
display_name = naiad
user_id = 000000000000
email = iam@example.com
access_key = {alt[0]}
secret_key = {alt[1]}
[iam root]
user_id = 000000000000
email = root@example.com
access_key = {main[0]}
secret_key = {main[1]}
[iam alt root]
user_id = 000000000000
email = altroot@example.com
access_key = {alt[0]}
secret_key = {alt[1]}
"""


_METHODS = {xform_name(name): name for name in NOT_SERVED}
"""Operations by the names of boto3's methods."""


def named_operations(function: types.FunctionType, seen: set[object] | None = None) -> set[str]:
    """Returns the operations of ``NOT_SERVED`` that a test names, in its own code or in that of the helpers that it calls.

    A test that fails before it comes to such an operation is found so too.
    """
    seen = set() if seen is None else seen
    found, codes = set(), [function.__code__]
    while codes:
        code = codes.pop()
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        found |= {_METHODS[name] for name in code.co_names if name in _METHODS}
        for name in code.co_names:
            helper = function.__globals__.get(name)
            if isinstance(helper, types.FunctionType) and helper not in seen:
                seen.add(helper)
                found |= named_operations(helper, seen)
    return found


def implied_operations(name: str, parameters: dict) -> set[str]:
    """Returns the operations whose permission AWS asks for, because parameters of another operation stand for them.

    CreateBucket and the like with an ACL that lets others in need s3:PutBucketAcl or s3:PutObjectAcl, and so on.
    """
    implied = set()
    is_bucket = name == "CreateBucket"
    if parameters.get("ACL", "private") != "private" or any(key.startswith("Grant") for key in parameters):
        implied.add("PutBucketAcl" if is_bucket else "PutObjectAcl")
    if parameters.get("ObjectLockEnabledForBucket"):
        implied.add("PutObjectLockConfiguration")
    return implied


class CallRecorder:
    """Plugin of pytest: writes one line of JSON for each test, with its outcome and the operations that it calls."""

    def __init__(self, results: Path) -> None:
        self._results: Path = results
        self._called: set[str] = set()
        call, recorder = botocore.client.BaseClient._make_api_call, self

        def recorded_call(client, operation_name, parameters):
            recorder._called |= {operation_name, *implied_operations(operation_name, parameters)}
            return call(client, operation_name, parameters)

        botocore.client.BaseClient._make_api_call = recorded_call

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        self._called.clear()
        yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if report.when == "call" or report.outcome != "passed":
            line = {
                "test": item.name,
                "when": report.when,
                "outcome": report.outcome,
                "called": sorted(self._called | named_operations(item.function)),
                "message": str(call.excinfo.value)[:300] if call.excinfo else "",
            }
            with self._results.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return report


def pytest_configure(config) -> None:
    if _RESULTS_VARIABLE in os.environ:
        config.pluginmanager.register(CallRecorder(Path(os.environ[_RESULTS_VARIABLE])))


def main(folder: Path, arguments: list[str]) -> int:
    """Returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="naiad-s3-tests-") as temporary:
        place = Path(temporary)
        keys = _make_keys(place / "state")
        server, port = _start_server(place / "state")
        try:
            _delete_default_bucket(port, *keys["main"])
            (place / "s3tests.conf").write_text(_CONFIGURATION.format(port=port, **keys))
            _run_pytest(folder.resolve(), place, arguments)
        finally:
            server.terminate()
            server.wait()
        return _summarize([json.loads(line) for line in (place / "results").read_text().splitlines()])


def _make_keys(state: Path) -> dict[str, tuple[str, str]]:
    state.mkdir()
    made = {name: Keys.open(state).add(name) for name in ("main", "alt")}
    return {name: (key.access_key, key.secret_key) for name, key in made.items()}


def _start_server(state: Path) -> tuple[subprocess.Popen[bytes], int]:
    naiad = Path(sys.executable).with_name("naiad")
    command = [naiad, "serve", "--state", state, "--port", "0", "--no-warm", "--no-aws-hosts"]
    log = state / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    while not (match := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
        if server.poll() is not None:
            raise SystemExit(log.read_text())
        time.sleep(0.1)
    return server, int(match[1])


def _delete_default_bucket(port: int, access_key: str, secret_key: str) -> None:
    """Deletes the bucket that a new server has: the suite counts all buckets of its user."""
    keys = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key}
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", **keys)
    for bucket in client.list_buckets()["Buckets"]:
        client.delete_bucket(Bucket=bucket["Name"])


def _run_pytest(folder: Path, place: Path, arguments: list[str]) -> None:
    environment = {
        **os.environ,
        "S3TEST_CONF": str(place / "s3tests.conf"),
        _RESULTS_VARIABLE: str(place / "results"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH")))),
    }
    paths = [str(folder / "s3tests/functional" / name) for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "run_s3_tests", "-p", "no:cacheprovider"]
    subprocess.run([*command, *paths, *arguments], cwd=folder, env=environment, check=False)


def _summarize(rows: list[dict]) -> int:
    left_out, outcomes, reasons = set(), {}, Counter()
    for row in rows:
        outcomes[row["test"]] = row["outcome"] if outcomes.get(row["test"]) != "failed" else "failed"
        operations = sorted(NOT_SERVED.keys() & set(row["called"]))
        if operations and row["test"] not in left_out:
            left_out.add(row["test"])
            reasons[operations[0]] += 1
    rest = {test: outcome for test, outcome in outcomes.items() if test not in left_out and outcome != "skipped"}
    for row in rows:
        if row["outcome"] == "failed" and row["test"] in rest:
            print(f"FAILED {row['when']} {row['test']}: {row['message'].splitlines()[0] if row['message'] else ''}")
    for operation, count in sorted(reasons.items()):
        print(f"left out {count:3d} that call {operation}: {NOT_SERVED[operation]}")
    passed = sum(outcome == "passed" for outcome in rest.values())
    print(f"{passed} of {len(rest)} pass ({passed / len(rest):.1%}); {len(left_out)} left out, {len(outcomes)} in all")
    return 0 if passed >= NEEDED_SHARE * len(rest) else 1


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2:]))
