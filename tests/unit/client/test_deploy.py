from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from naiad.client.connection import Connection, connect
from naiad.client.deploy import check_name, container_of, digest_of, keep_engines, variant, version_of
from naiad.client.job import JobHandle
from naiad.errors import ArtifactError, InputError, OptionError

SCRIPT = "def model_fn(folder): ...\n"
PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/shoes/1"


@pytest.fixture
def connection(service: Any) -> Connection:
    return connect()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model" / "code").mkdir(parents=True)
    (tmp_path / "model" / "code" / "inference.py").write_text(SCRIPT)
    return tmp_path / "model"


def uploaded(service: Any) -> list[str]:
    return [row["Key"] for row in service.client("s3").list_objects_v2(Bucket="naiad").get("Contents", [])]


def container(service: Any, model: Any) -> dict[str, Any]:
    return container_of(model, service.client("s3"), service.client("sagemaker"), "naiad")


def deployed(service: Any, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Its variant, and its model's container."""
    sagemaker = service.client("sagemaker")
    described = sagemaker.describe_endpoint(EndpointName=name)
    config_name = described.get("PendingDeploymentSummary", described)["EndpointConfigName"]
    (found,) = sagemaker.describe_endpoint_config(EndpointConfigName=config_name)["ProductionVariants"]
    return found, sagemaker.describe_model(ModelName=found["ModelName"])["PrimaryContainer"]


def test_a_folder_is_uploaded_once(service: Any, connection: Connection, folder: Path) -> None:
    connection.deploy(folder, "shoes", wait=False)
    connection.deploy(folder, "boots", wait=False)
    (key,) = uploaded(service)
    assert deployed(service, "shoes")[1]["ModelDataUrl"] == f"s3://naiad/{key}"
    (folder / "code" / "inference.py").write_text(SCRIPT + "\n")
    connection.deploy(str(folder), "sandals", wait=False)
    assert len(uploaded(service)) == 2


def test_a_table_beside_the_archive_does_not_stand_for_it(service: Any, connection: Connection, folder: Path) -> None:
    connection.deploy(folder, "shoes", wait=False)
    (key,) = uploaded(service)
    store = service.client("s3")
    store.put_object(Bucket="naiad", Key=f"{key}.engines.json", Body=b"{}")
    store.delete_object(Bucket="naiad", Key=key)
    connection.deploy(folder, "boots", wait=False)
    assert uploaded(service) == [key, f"{key}.engines.json"]


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "naiad.json").write_text('{"files": {}}')
    return tmp_path / "run"


def test_the_measured_table_comes_into_an_artifacts_folder_and_changes_no_archive(service: Any, artifact: Path) -> None:
    store, deployed_as = service.client("s3"), container(service, artifact)
    (key,) = uploaded(service)
    keep_engines(artifact, deployed_as, store)
    assert [path.name for path in artifact.iterdir()] == ["naiad.json"]
    for table, model in ((b"first", str(artifact)), (b"second", SimpleNamespace(path=artifact))):
        store.put_object(Bucket="naiad", Key=f"{key}.engines.json", Body=table)
        keep_engines(model, deployed_as, store)
        assert (artifact / "engines.json").read_bytes() == table
    assert container(service, artifact) == deployed_as


def test_no_table_comes_into_what_is_no_artifacts_folder_or_cannot_be_written_to(
    service: Any, artifact: Path, folder: Path
) -> None:
    store, deployed_as = service.client("s3"), container(service, artifact)
    store.put_object(Bucket="naiad", Key=f"{uploaded(service)[0]}.engines.json", Body=b"{}")
    (artifact / "engines.json").mkdir()
    for model in (artifact, folder, deployed_as["ModelDataUrl"], "a-job", JobHandle(service.client, "a-job")):
        keep_engines(model, deployed_as, store)
    assert {path.name for path in artifact.iterdir()} == {"naiad.json", "engines.json"}
    assert (artifact / "engines.json").is_dir()
    assert not list(folder.glob("*.json"))


def test_what_was_asked_for_is_what_is_created(service: Any, connection: Connection, folder: Path) -> None:
    handle = connection.deploy(
        folder,
        "shoes",
        min_replicas=0,
        max_replicas=4,
        instance_type="ml.c5.large",
        environment={"B": "2", "A": "1"},
        tags={"team": "vision"},
        wait=False,
    )
    found, model = deployed(service, "shoes")
    assert (found["InstanceType"], found["InitialInstanceCount"]) == ("ml.c5.large", 1)
    assert found["ManagedInstanceScaling"] == {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
    assert model["Environment"] == {"A": "1", "B": "2"}
    arn = handle.describe()["EndpointArn"]
    assert service.client("sagemaker").list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "vision"}]


def test_the_same_again_keeps_its_names_and_an_update_gets_new_ones(
    service: Any, connection: Connection, folder: Path
) -> None:
    connection.deploy(folder, "shoes", environment={"A": "1", "B": "2"}, wait=False)
    first = deployed(service, "shoes")[0]
    service.settle("shoes")
    connection.deploy(folder, "shoes", environment={"B": "2", "A": "1"}, wait=False)
    assert deployed(service, "shoes")[0] == first
    service.settle("shoes")
    connection.deploy(folder, "shoes", replicas=2, environment={"A": "1", "B": "2"}, wait=False)
    second = deployed(service, "shoes")[0]
    assert (second["ModelName"], second["InitialInstanceCount"]) == (first["ModelName"], 2)
    assert connection.endpoint("shoes").status == "Updating"


def test_another_object_at_the_same_address_is_another_model(service: Any, connection: Connection) -> None:
    store = service.client("s3")
    names = set()
    for name, content in (("a", b"one"), ("b", b"two")):
        store.put_object(Bucket="naiad", Key="m/model.tar.gz", Body=content)
        connection.deploy("s3://naiad/m/model.tar.gz", name, wait=False)
        names.add(deployed(service, name)[0]["ModelName"].partition("-")[2])
    assert len(names) == 2


def test_a_job_is_taken_by_its_handle_and_by_its_name(service: Any, connection: Connection) -> None:
    service.create("one")
    with pytest.raises(InputError, match="job one has left no model: it is InProgress"):
        container(service, "one")
    service.tick()
    service.finish("one")
    expected = service.client("sagemaker").describe_training_job(TrainingJobName="one")["ModelArtifacts"]
    assert container(service, "one")["ModelDataUrl"] == expected["S3ModelArtifacts"]
    assert container(service, connection.job("one")) == container(service, "one")


def test_a_package_is_named_by_its_arn(service: Any) -> None:
    assert container(service, PACKAGE) == {"ModelPackageName": PACKAGE}
    assert version_of({"ModelPackageName": PACKAGE}, service.client("s3")) == ""


def test_an_archive_goes_up_as_it_is(service: Any, tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"an archive")
    container(service, tmp_path / "model.tar.gz")
    (key,) = uploaded(service)
    assert service.client("s3").get_object(Bucket="naiad", Key=key)["Body"].read() == b"an archive"


@pytest.mark.parametrize(
    ("model", "error", "said"),
    [
        (SimpleNamespace(path=None), ArtifactError, "was not saved"),
        (3, InputError, "a int cannot be deployed"),
        ("./nowhere", InputError, "nowhere does not exist"),
        (Path("nowhere"), InputError, "nowhere does not exist"),
        ("nobody", InputError, "nobody is neither a file here nor a job there: Requested resource not found"),
        ("s3://naiad/nothing.tar.gz", InputError, "nothing.tar.gz cannot be read: Not Found"),
    ],
)
def test_what_cannot_be_deployed_is_refused_before_anything_is_made(
    service: Any, connection: Connection, model: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        connection.deploy(model, "shoes", wait=False)
    assert service.client("sagemaker").list_models()["Models"] == []
    assert uploaded(service) == []


def test_options_are_looked_at_before_anything_is_sent(service: Any, connection: Connection, folder: Path) -> None:
    with pytest.raises(OptionError, match=r"replicas=3 is not between min_replicas=3 and max_replicas=2"):
        connection.deploy(folder, "shoes", replicas=3, max_replicas=2)
    with pytest.raises(OptionError, match="'no_name' cannot be an endpoint's name"):
        connection.deploy(folder, "no_name")
    assert uploaded(service) == []


@pytest.mark.parametrize(
    ("replicas", "least", "most", "expected"),
    [
        (None, None, None, (1, None)),
        (3, None, None, (3, None)),
        (None, None, 4, (1, (1, 4))),
        (2, None, 4, (2, (2, 4))),
        (2, 1, 4, (2, (1, 4))),
        (None, 0, None, (1, (0, 1))),
        (None, 3, None, (3, None)),
        (2, 2, 2, (2, None)),
    ],
)
def test_counts(replicas: Any, least: Any, most: Any, expected: Any) -> None:
    found = variant(instance_type="ml.m5.large", replicas=replicas, min_replicas=least, max_replicas=most)
    scaling = found.get("ManagedInstanceScaling")
    bounds = None if scaling is None else (scaling["MinInstanceCount"], scaling["MaxInstanceCount"])
    assert (found["InitialInstanceCount"], bounds) == expected


@pytest.mark.parametrize(
    ("replicas", "least", "most"), [(0, None, None), (1, 2, None), (5, 1, 4), (1, -1, 1), (None, 2, 1)]
)
def test_counts_that_cannot_be(replicas: Any, least: Any, most: Any) -> None:
    with pytest.raises(OptionError, match="is not between"):
        variant(instance_type="ml.m5.large", replicas=replicas, min_replicas=least, max_replicas=most)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a" * 64, "ä", "a\n"])
def test_names_that_cannot_be(name: str) -> None:
    check_name("a--b")
    check_name("a" * 63)
    with pytest.raises(OptionError, match="cannot be an endpoint's name"):
        check_name(name)


def test_a_digest_does_not_follow_the_order() -> None:
    assert digest_of({"a": 1, "b": {"c": 2, "d": 3}}) == digest_of({"b": {"d": 3, "c": 2}, "a": 1})
    assert digest_of("a", "b") != digest_of("ab", "")
