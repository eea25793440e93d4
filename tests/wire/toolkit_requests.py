"""The twenty requests of ``compare_toolkit.py``, and the program that writes down what it sees."""

import json
from dataclasses import dataclass, field
from typing import Any

SHOW = b"""
import json, os, sys
ml = "/opt/ml"
files, texts = {}, {}
for folder, folders, names in os.walk(ml):
    here = os.path.relpath(folder, ml)
    folders[:] = [name for name in folders if name not in ("python", "__pycache__")]
    for name in [*folders, *names] + (["python"] if here == "." and os.path.exists(ml + "/python") else []):
        path = os.path.normpath(os.path.join(here, name))
        full = os.path.join(ml, path)
        if path.startswith("code/build") or ".egg-info" in path or path.startswith("output/data/"):
            continue
        files[path] = oct(os.stat(full).st_mode & 0o111) if os.path.isfile(full) else "folder"
        if os.path.isfile(full):
            texts[path] = open(full).read()
shown = {
    "host": json.load(open(ml + "/input/config/resourceconfig.json"))["current_host"],
    "arguments": sys.argv,
    "command": sys.orig_argv[1:],
    "cwd": os.getcwd(),
    "file": os.path.abspath(__file__),
    "variables": dict(os.environ),
    "files": files,
    "texts": texts,
}
with open(ml + "/output/data/" + shown["host"] + ".json", "w") as file:
    json.dump(shown, file)
"""
_SHELL = b'#!/bin/sh\npython3 show.py "$@"\n'
_SETUP = b"from setuptools import setup\nsetup(name='compared', version='1', py_modules=['train'])\n"


@dataclass(frozen=True)
class Request:
    name: str
    hyperparameters: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    program: str = "train.py"
    more_files: dict[str, bytes] = field(default_factory=dict)
    channels: tuple[dict[str, Any], ...] = ()
    resources: dict[str, Any] = field(default_factory=lambda: {"InstanceType": "ml.m5.large", "InstanceCount": 1})
    source: str = ""
    """A path of a channel; empty for an archive in S3."""

    @property
    def source_key(self) -> str:
        return f"{self.name}/sourcedir.tar.gz"

    def files(self) -> dict[str, bytes]:
        program = SHOW if self.program.endswith(".py") else _SHELL
        return {self.program: program, "show.py": SHOW, **self.more_files}

    def create_arguments(self) -> dict[str, Any]:
        own = {
            "sagemaker_program": self.program,
            "sagemaker_submit_directory": self.source or f"s3://naiad/{self.source_key}",
        }
        arguments = {
            "HyperParameters": own | self.hyperparameters,
            "Environment": self.environment,
            "ResourceConfig": {"VolumeSizeInGB": 1, **self.resources},
        }
        return {**arguments, **({"InputDataConfig": list(self.channels)} if self.channels else {})}


def _quoted(**values: Any) -> dict[str, str]:
    """Returns hyperparameters as SDK 2 writes them."""
    return {name: json.dumps(value) for name, value in values.items()}


def _channel(request: str, name: str, folder: str = "data", **more: Any) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://naiad/{request}/{folder}/",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


REQUESTS = (
    Request("nothing"),
    Request("plain-texts", {"lr": "0.1", "optimizer": "adam", "layers": "[1, 2]", "n": "7", "empty": ""}),
    Request("sdk2-json", _quoted(lr=0.1, optimizer="adam", layers=[1, 2], n=7, empty="", sagemaker_region="us-east-1")),
    Request("booleans-and-none", _quoted(yes=True, no=False, none=None, text="true", word="None")),
    Request(
        "lists-and-dicts",
        _quoted(names=["a", 'b "c"'], options={"z": 1, "a": None, "b": {"c": [True]}}, nested=[[], {}]),
    ),
    Request(
        "odd-numbers", {"nan": "NaN", "infinite": "-Infinity", "small": "1e-07", "large": str(10**30), "exact": "1.0"}
    ),
    Request(
        "dashes-and-dots", {"learning-rate": "0.1", "learning_rate": "0.2", "model.depth": "3", "x": "1", "Upper": "y"}
    ),
    Request("letters", _quoted(name="Ünï ☃", list_of=["é"]) | {"raw": "Ünï", "clé": "1"}),
    Request("blanks-and-quotes", {"text": "two  blanks ' and \" quotes", "dollar": "$HOME `id` \\", "dashes": "--x"}),
    Request(
        "tuning",
        _quoted(_tuning_objective_metric="loss", sagemaker_container_log_level=10, sagemaker_job_name="named", lr=1)
        | {"sagemaker_enable_cloudwatch_metrics": "false", "sagemaker_estimator_class_name": '"PyTorch"'},
    ),
    Request("deep-program", {"lr": "1"}, program="sub/train.py"),
    Request("shell-script", {"lr": "1", "text": "a b'c", "learning-rate": "2"}, program="run.sh"),
    Request("any-program", {"lr": "1"}, program="solver"),
    Request(
        "package",
        {"lr": "1", "learning-rate": "2"},
        {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"},
        more_files={"setup.py": _SETUP},
    ),
    Request(
        "requirements", {"learning-rate": "2"}, {"PIP_NO_INDEX": "1"}, more_files={"requirements.txt": b"# none\n"}
    ),
    Request(
        "variables",
        {"lr": "1"},
        {
            "SAGEMAKER_PROGRAM": "show.py",
            "SM_MODEL_DIR": "/mine",
            "SM_MINE": "1",
            "SAGEMAKER_REGION": "x",
            "MINE": "a\nb",
        },
    ),
    Request(
        "channels",
        channels=(
            _channel("channels", "train", ContentType="text/csv"),
            _channel("channels", "my-test.set", InputMode="FastFile"),
            _channel("channels", "Validation"),
        ),
    ),
    Request(
        "source-in-a-channel",
        channels=(_channel("source-in-a-channel", "code", "code"),),
        source="/opt/ml/input/data/code",
    ),
    Request(
        "two-instances",
        {"lr": "1"},
        resources={"InstanceType": "ml.m5.large", "InstanceCount": 2},
        channels=(_channel("two-instances", "train"),),
    ),
    Request(
        "groups",
        _quoted(sagemaker_distribution_instance_groups=["workers"], lr=1),
        resources={
            "InstanceGroups": [
                {"InstanceGroupName": "first", "InstanceType": "ml.m5.large", "InstanceCount": 1},
                {"InstanceGroupName": "workers", "InstanceType": "ml.m5.large", "InstanceCount": 1},
            ]
        },
    ),
)
