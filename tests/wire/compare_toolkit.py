"""Compares jobs with SageMaker's training toolkit: ``compare_toolkit.py [FOLDER]``.

FOLDER holds ``sagemaker-training`` (``pip install --target FOLDER sagemaker-training``); without it, one is made and removed.
The same requests go to a server, whose jobs write down what they see, and to the toolkit, in namespaces with the configuration
files of that job. Variables, command lines and files must be equal, except for what ``REASONS`` lists. Ends with status 0 then.
"""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
from toolkit_requests import REQUESTS, Request

from naiad.home import ServerAddress, read_address
from naiad.service.contract.virtual_environment import create_virtual_environment

ROLE = "arn:aws:iam::000000000000:role/naiad"
_SECOND_NAME = r"SM_(HP|CHANNEL)_\w+"
REASONS = {
    r"(PATH|HOME|LANG|LC_CTYPE|PWD|OLDPWD|SHLVL|_|PYTHONUNBUFFERED|PYTHONPATH)": "how each process is started",
    r"(OMP|MKL|OPENBLAS|NUMEXPR)_NUM_THREADS|CUDA_VISIBLE_DEVICES": "an instance here is a part of a machine",
    r"AWS_.*|PIP_.*": "credentials and package index of this machine",
    r"(SM_|PET_)?MASTER_(ADDR|PORT)": "the framework's containers set these; each job here has a port of its own",
    r"OMPI_MCA_\w+": "settings for mpirun, which is installed here",
    r"SM_CHECKPOINT_DIR": "for Naiad's own trainer",
    r"SM_NUM_CPUS|SM_TRAINING_ENV\.num_cpus": "the cores of the instance, and not those of the machine",
    _SECOND_NAME: "a second name that shells can read, as SDK 3's drivers have it",
    r"file (python|checkpoints|output/intermediate)": "the job's virtual environment, and folders that are there from the start",
    r"file output/success": "the exit status says it",
}
"""Names that may differ, and why."""
_ENTER = """
mount -t tmpfs naiad /opt && mkdir /opt/ml && mount --rbind "$1" /opt/ml && mount --bind "$2" /etc/hosts
shift 2
exec "$@"
"""


def main(folder: Path | None) -> int:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if folder is None:
            folder = place / "toolkit"
            install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "sagemaker-training"]
            subprocess.run(install, check=True)
        create_virtual_environment(place / "interpreter")
        server = _start_server(place)
        try:
            comparison = Comparison(read_address(place / "state"), folder, place)
            for request in REQUESTS:
                comparison.compare(request)
        finally:
            server.terminate()
            server.wait()
    return comparison.report()


class Comparison:
    def __init__(self, address: ServerAddress, folder: Path, place: Path) -> None:
        self._variables = {
            "AWS_ENDPOINT_URL": address.url,
            "AWS_ACCESS_KEY_ID": address.access_key,
            "AWS_SECRET_ACCESS_KEY": address.secret_key,
            "AWS_DEFAULT_REGION": address.region,
            "AWS_REGION": address.region,
        }
        keys = {"aws_access_key_id": address.access_key, "aws_secret_access_key": address.secret_key}
        options = {"endpoint_url": address.url, "region_name": address.region, **keys}
        self._s3, self._sagemaker = boto3.client("s3", **options), boto3.client("sagemaker", **options)
        self._folder, self._place = folder, place
        self._fields = 0
        self._explained: Counter[str] = Counter()
        self._unexplained: list[str] = []

    def compare(self, request: Request) -> None:
        self._s3.put_object(Bucket="naiad", Key=request.source_key, Body=_archive(request.files()))
        self._s3.put_object(Bucket="naiad", Key=f"{request.name}/data/a.txt", Body=b"a")
        for name, text in request.files().items():
            self._s3.put_object(Bucket="naiad", Key=f"{request.name}/code/{name}", Body=text)
        for host, shown in self._run_job(request).items():
            expected = self._run_toolkit(request, host, shown)
            self._compare_shown(f"{request.name} {host}", shown, expected)

    def report(self) -> int:
        print(
            f"{len(REQUESTS)} requests, {self._fields} fields equal, {sum(self._explained.values())} different with a reason:"
        )
        for reason, count in self._explained.most_common():
            print(f"  {count:5} {reason}")
        print(f"{len(self._unexplained)} different without a reason", *self._unexplained, sep="\n  ")
        return 1 if self._unexplained else 0

    def _run_job(self, request: Request) -> dict[str, Any]:
        """Returns what the program of each host has seen."""
        self._sagemaker.create_training_job(
            TrainingJobName=request.name,
            AlgorithmSpecification={"TrainingImage": "any/image", "TrainingInputMode": "File"},
            RoleArn=ROLE,
            OutputDataConfig={"S3OutputPath": "s3://naiad/out", "CompressionType": "NONE"},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
            **request.create_arguments(),
        )
        while (job := self._sagemaker.describe_training_job(TrainingJobName=request.name))["TrainingJobStatus"] not in {
            "Completed",
            "Failed",
        }:
            time.sleep(0.1)
        if job["TrainingJobStatus"] == "Failed":
            raise SystemExit(f"{request.name}: {job['FailureReason']}")
        shown = {}
        for key in self._s3.list_objects_v2(Bucket="naiad", Prefix=f"out/{request.name}/output/")["Contents"]:
            content = json.loads(self._s3.get_object(Bucket="naiad", Key=key["Key"])["Body"].read())
            shown[content["host"]] = content
        return shown

    def _run_toolkit(self, request: Request, host: str, shown: dict[str, Any]) -> dict[str, Any]:
        ml = self._place / f"{request.name}-{host}"
        for name, text in shown["texts"].items():
            if name.startswith("input/"):
                (ml / name).parent.mkdir(parents=True, exist_ok=True)
                (ml / name).write_text(text)
        for name in ("input/config", "input/data", "model", "output/data"):
            (ml / name).mkdir(parents=True, exist_ok=True)
        hosts = self._place / "hosts"
        hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", "algo-1", "algo-2", "algo-3")))
        python = self._place / "interpreter" / "python" / "bin" / "python"
        variables = {
            **self._variables,
            "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(self._folder),
            "TRAINING_JOB_NAME": request.name,
            "TRAINING_JOB_ARN": shown["variables"]["TRAINING_JOB_ARN"],
            **{name: text for name, text in request.environment.items() if name != "PYTHONPATH"},
        }
        enter = ["unshare", "-Urm", "sh", "-ec", _ENTER, "enter", str(ml), str(hosts)]
        toolkit = [*enter, str(python), "-m", "sagemaker_training.cli.train"]
        done = subprocess.run(toolkit, env=variables, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{request.name}: the toolkit ended with {done.returncode}: {done.stdout} {done.stderr}")
        (file,) = (ml / "output" / "data").iterdir()
        return json.loads(file.read_text())

    def _compare_shown(self, subject: str, shown: dict[str, Any], expected: dict[str, Any]) -> None:
        ours, theirs = (_fields(content) for content in (shown, expected))
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) == theirs.get(name):
                self._fields += 1
            elif reason := _reason(name, ours, theirs):
                self._explained[reason] += 1
            else:
                self._unexplained.append(
                    f"{subject}: {name}: {ours.get(name)!r}, and the toolkit has {theirs.get(name)!r}"
                )


def _fields(content: dict[str, Any]) -> dict[str, Any]:
    variables = dict(content["variables"])
    properties = json.loads(variables.pop("SM_TRAINING_ENV"))
    return {
        **variables,
        **{f"SM_TRAINING_ENV.{name}": value for name, value in properties.items()},
        **{f"file {name}": value for name, value in content["files"].items()},
        **{f"text {name}": value for name, value in content["texts"].items()},
        **{name: content[name] for name in ("arguments", "command", "cwd", "file")},
    }


def _reason(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    for pattern, reason in REASONS.items():
        if re.fullmatch(pattern, name) and (
            pattern != _SECOND_NAME or (name not in theirs and name in _second_names(ours))
        ):
            return reason
    return None


def _second_names(variables: dict[str, Any]) -> set[str]:
    """Returns the names for shells. A shell has already dropped the first ones."""
    first = [f"SM_HP_{name}" for name in json.loads(variables["SM_HPS"])]
    first += [f"SM_CHANNEL_{name}" for name in json.loads(variables["SM_CHANNELS"])]
    return {re.sub(r"\W", "_", name.upper()) for name in first} - {name.upper() for name in first}


def _archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _start_server(place: Path) -> "subprocess.Popen[bytes]":
    log = place / "server.log"
    command = [sys.executable, "-m", "naiad.cli", "serve", "--state", str(place / "state"), "--port", "0", "--no-warm"]
    with log.open("wb") as output:
        server = subprocess.Popen([*command, "--no-aws-hosts"], stdout=output, stderr=output)
    while b"serving on" not in log.read_bytes():
        if server.poll() is not None:
            raise SystemExit(log.read_text())
        time.sleep(0.05)
    return server


if __name__ == "__main__":
    os.environ.pop("AWS_ENDPOINT_URL", None)
    sys.exit(main(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else None))
