from pathlib import Path

import pytest

from naiad.client.job_input import default_job_name, make_job_input
from naiad.errors import OptionError
from naiad.trainer.fit_options import FitOptions


def test_a_name_is_a_hyperparameter_and_a_path_or_uri_is_a_channel(tmp_path: Path) -> None:
    job = make_job_input("mlp", "digits", FitOptions(validation="s3://bucket/held-out/"))
    assert job.channels == {"validation": "s3://bucket/held-out/"}
    assert job.hyperparameters == {"net": "mlp", "report": "true", "data": "digits"}
    job = make_job_input(None, tmp_path, FitOptions(validation="iris"))
    assert job.channels == {"train": tmp_path}
    assert job.hyperparameters == {"report": "true", "validation": "iris"}


def test_a_plan_to_follow_is_refused() -> None:
    with pytest.raises(OptionError, match="a job takes choices of the plan by name, given str"):
        make_job_input("mlp", "digits", FitOptions(plan="runs/shoes"))


@pytest.mark.parametrize(("net", "prefix"), [("my_nets/file.py:Mine", "Mine-"), (None, "auto-"), ("--", "job-")])
def test_a_default_name_has_the_network_and_only_letters_that_aws_allows(net: str | None, prefix: str) -> None:
    name = default_job_name(net)
    assert name.startswith(prefix)
    assert name.replace("-", "").isalnum()
    assert len(name) <= 63
    assert name != default_job_name(net)
