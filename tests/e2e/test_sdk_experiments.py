"""The SageMaker SDK's Run, load_run and ExperimentAnalytics, in a client and in the jobs that it starts."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow
RUNS = """
    import sagemaker
    from sagemaker.analytics import ExperimentAnalytics
    from sagemaker.experiments import Run, SortByType, SortOrderType, list_runs, load_run

    session = sagemaker.Session()
    with Run(experiment_name="Shoes", run_name="First", sagemaker_session=session) as run:
        run.log_parameters({"lr": 0.1, "net": "resnet"})
        for step in range(12):
            run.log_metric("loss", 1 / (step + 1), step=step)
        run.log_artifact("data", "s3://naiad/x.csv", is_output=False)
        run.log_file(sagemaker.__file__, name="script")
        run._log_graph_artifact({"confusionMatrix": [[1]]}, "ConfusionMatrix", True, "matrix")
    with load_run(experiment_name="shoes", run_name="first", sagemaker_session=session) as run:
        run.log_parameter("lr", 0.2)
    try:
        with Run(experiment_name="shoes", run_name="second", sagemaker_session=session):
            raise ValueError("no shoes")
    except ValueError:
        pass
    order = {"sort_by": SortByType.NAME, "sort_order": SortOrderType.ASCENDING}
    print("runs", [run.run_name for run in list_runs("shoes", sagemaker_session=session, **order)])
    table = ExperimentAnalytics(experiment_name="shoes", sagemaker_session=session, sort_by="metrics.loss.min").dataframe()
    print("table", table["TrialComponentName"].tolist(), table["lr"][0], table["loss - Count"][0])
"""
REMOTE = """
    import sagemaker
    from sagemaker.experiments import Run, load_run
    from sagemaker.remote_function import remote

    @remote(image_uri="any/python", instance_type="ml.m5.large", role="arn:aws:iam::000000000000:role/naiad")
    def trained(lr):
        from sagemaker.experiments import load_run
        with load_run() as run:
            run.log_parameter("lr", lr)
            run.log_metric("loss", lr / 2)
        return run.run_name

    with Run(experiment_name="remote", run_name="one", sagemaker_session=sagemaker.Session()):
        print("trained", trained(0.5))
"""


def test_runs_are_stored_listed_and_found(server: Any, sdk2: Any) -> None:
    output = sdk2.run(server, RUNS)
    assert "runs ['first', 'second']" in output
    assert "table ['shoes-first', 'shoes-second'] 0.2 12.0" in output
    sagemaker = server.client("sagemaker")
    first = sagemaker.describe_trial_component(TrialComponentName="shoes-first")
    assert first["Status"]["PrimaryStatus"] == "Completed"
    assert set(first["InputArtifacts"]) == {"data"}
    second = sagemaker.describe_trial_component(TrialComponentName="shoes-second")
    assert second["Status"] == {"PrimaryStatus": "Failed", "Message": "no shoes"}
    (association,) = sagemaker.list_associations(SourceArn=first["TrialComponentArn"])["AssociationSummaries"]
    assert (association["DestinationName"], association["DestinationType"]) == ("matrix", "ConfusionMatrix")


def test_a_remote_function_writes_into_the_run_that_started_it(server: Any, sdk2: Any) -> None:
    output = sdk2.run(server, REMOTE)
    assert "trained one" in output
    component = server.client("sagemaker").describe_trial_component(TrialComponentName="remote-one")
    assert component["Parameters"] == {"lr": {"NumberValue": 0.5}}
    assert [(one["MetricName"], one["Last"]) for one in component["Metrics"]] == [("loss", 0.25)]
