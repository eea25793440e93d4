"""The tuners of the unmodified SageMaker SDKs."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROLE = "arn:aws:iam::000000000000:role/naiad"
SCRIPT = """
    import argparse, os, pathlib
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float)
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--act", default="relu")
    parser.add_argument("--offset", type=float, default=0)
    given = parser.parse_args()
    print("given", vars(given), "from", sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"])))
    print(f"loss: {abs(given.lr - 0.3) + 0.1 * (given.act == 'relu') + given.depth / 100 + given.offset}")
    pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text("w")
"""


@pytest.fixture
def code(tmp_path: Path) -> str:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text(textwrap.dedent(SCRIPT))
    return str(tmp_path / "code")


def test_sdk_2_tunes_a_script(server: Any, sdk2: Any, code: str) -> None:
    program = """
        import sys
        from sagemaker.pytorch import PyTorch
        from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner, IntegerParameter

        estimator = PyTorch(
            entry_point="train.py", source_dir=sys.argv[1], role=sys.argv[2], instance_count=1, instance_type="ml.m5.large",
            framework_version="2.3.0", py_version="py311", hyperparameters={"offset": 0},
            tags=[{"Key": "naiad:cores", "Value": "1"}],
        )
        ranges = {
            "lr": ContinuousParameter(0.01, 1.0, scaling_type="Logarithmic"),
            "depth": IntegerParameter(1, 4),
            "act": CategoricalParameter(["relu", "gelu"]),
        }
        metric = [{"Name": "loss", "Regex": "loss: ([0-9.]+)"}]
        tuner = HyperparameterTuner(
            estimator, "loss", ranges, metric, objective_type="Minimize", max_jobs=4, max_parallel_jobs=2,
            base_tuning_job_name="sdk2", tags=[{"Key": "naiad:cores", "Value": "1"}],
        )
        tuner.fit({"train": "s3://naiad/data/"})
        frame = tuner.analytics().dataframe()
        print("trials", len(frame), sorted(frame["TrainingJobStatus"].unique()), sorted(frame["act"].unique()))
        print("best", tuner.best_training_job() == frame.sort_values("FinalObjectiveValue")["TrainingJobName"].iloc[0])
        print("estimator", tuner.best_estimator().model_data)
        print("warm", tuner.describe()["HyperParameterTuningJobStatus"])
        again = tuner.identical_dataset_and_algorithm_tuner()
        again.max_jobs, again.metric_definitions = 2, metric  # the SDK copies neither
        again.fit({"train": "s3://naiad/data/"})
        described = again.describe()
        print("overall", described["OverallBestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
            <= frame["FinalObjectiveValue"].min())
    """
    output = sdk2.run(server, program, code, ROLE)
    assert "trials 4 ['Completed']" in output
    assert "best True" in output
    assert "estimator s3://naiad/sdk2-" in output
    assert "warm Completed" in output
    assert "overall True" in output


def test_sdk_2_tunes_two_estimators_and_tunes_by_itself(server: Any, sdk2: Any, code: str) -> None:
    program = """
        import sys
        from sagemaker.pytorch import PyTorch
        from sagemaker.tuner import ContinuousParameter, HyperparameterTuner

        def estimator(**hyperparameters):
            return PyTorch(
                entry_point="train.py", source_dir=sys.argv[1], role=sys.argv[2], instance_count=1,
                instance_type="ml.m5.large", framework_version="2.3.0", py_version="py311", hyperparameters=hyperparameters,
            )

        metric = [{"Name": "loss", "Regex": "loss: ([0-9.]+)"}]
        ranges = {"lr": ContinuousParameter(0.01, 1.0)}
        tuner = HyperparameterTuner.create(
            base_tuning_job_name="two", estimator_dict={"near": estimator(offset=0), "far": estimator(offset=5)},
            objective_metric_name_dict={"near": "loss", "far": "loss"},
            hyperparameter_ranges_dict={"near": ranges, "far": ranges},
            metric_definitions_dict={"near": metric, "far": metric}, objective_type="Minimize", max_jobs=4,
            max_parallel_jobs=2,
        )
        data = {"train": "s3://naiad/data/"}
        tuner.fit({"near": data, "far": data}, include_cls_metadata={})
        best = tuner.describe()["BestTrainingJob"]
        print("two", tuner.describe()["HyperParameterTuningJobStatus"], best["TrainingJobDefinitionName"])
        automatic = HyperparameterTuner(
            estimator(lr=0.1, depth=2, offset=0), "loss", None, metric, objective_type="Minimize", max_jobs=2,
            autotune=True, hyperparameters_to_keep_static=["offset"], base_tuning_job_name="auto",
        )
        automatic.fit(data)
        tuned = automatic.describe()["BestTrainingJob"]["TunedHyperParameters"]
        print("auto", automatic.describe()["HyperParameterTuningJobStatus"], sorted(set(tuned) & {"lr", "depth"}))
    """
    output = sdk2.run(server, program, code, ROLE)
    assert "two Completed near" in output
    assert "auto Completed ['depth', 'lr']" in output


def test_sdk_3_tunes_a_script(server: Any, sdk3: Any, code: str) -> None:
    program = """
        import sys
        from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter
        from sagemaker.train import ModelTrainer
        from sagemaker.train.configs import Compute, InputData, SourceCode
        from sagemaker.train.tuner import HyperparameterTuner

        trainer = ModelTrainer(
            training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu",
            source_code=SourceCode(source_dir=sys.argv[1], entry_script="train.py"),
            compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
            role=sys.argv[2], base_job_name="sdk3", hyperparameters={"offset": 0},
        )
        tuner = HyperparameterTuner(
            trainer, "loss", {"lr": ContinuousParameter(0.01, 1.0), "act": CategoricalParameter(["relu", "gelu"])},
            [{"Name": "loss", "Regex": "loss: ([0-9.]+)"}], objective_type="Minimize", max_jobs=3, max_parallel_jobs=2,
            base_tuning_job_name="sdk3",
        )
        tuner.tune([InputData(channel_name="train", data_source="s3://naiad/data/")])
        job = tuner.describe() or tuner.latest_tuning_job
        print("status", job.hyper_parameter_tuning_job_status, "best", job.best_training_job.training_job_name)
        print("same", tuner.best_training_job())
    """
    output = sdk3.run(server, program, code, ROLE)
    assert "status Completed best sdk3-" in output
    [tuning] = server.client("sagemaker").list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    assert tuning["TrainingJobStatusCounters"]["Completed"] == 3
