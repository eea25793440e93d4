from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from naiad.client.connection import Connection, connect
from naiad.client.deploy import (
    archive_version,
    check_endpoint_name,
    digest,
    make_container,
    make_variant,
    save_engine_measurements,
)
from naiad.client.job import JobHandle
from naiad.errors import ArtifactError, InputError, OptionError
from naiad.trainer.artifact import folder as artifact_folder

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
    return make_container(model, service.client("s3"), service.client("sagemaker"), "naiad")


def deployed(service: Any, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the endpoint's variant and its model's container."""
    sagemaker = service.client("sagemaker")
    described = sagemaker.describe_endpoint(EndpointName=name)
    config_name = described.get("PendingDeploymentSummary", described)["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config_name)["ProductionVariants"]
    return variant, sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]


def test_a_folder_is_uploaded_once(service: Any, connection: Connection, folder: Path) -> None:
    connection.deploy(folder, "shoes", wait=False)
    connection.deploy(folder, "boots", wait=False)
    (key,) = uploaded(service)
    assert deployed(service, "shoes")[1]["ModelDataUrl"] == f"s3://naiad/{key}"
    (folder / "code" / "inference.py").write_text(SCRIPT + "\n")
    connection.deploy(str(folder), "sandals", wait=False)
    assert len(uploaded(service)) == 2


def test_an_object_with_a_longer_key_is_not_taken_for_the_archive(
    service: Any, connection: Connection, folder: Path
) -> None:
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


def test_engine_measurements_are_saved_into_an_artifact_and_do_not_change_its_archive(
    service: Any, artifact: Path
) -> None:
    store, definition = service.client("s3"), container(service, artifact)
    (key,) = uploaded(service)
    save_engine_measurements(artifact, definition, store)
    assert [path.name for path in artifact.iterdir()] == ["naiad.json"]
    for table, model in ((b"first", str(artifact)), (b"second", SimpleNamespace(path=artifact))):
        store.put_object(Bucket="naiad", Key=f"{key}.engines.json", Body=table)
        save_engine_measurements(model, definition, store)
        assert (artifact / "engines.json").read_bytes() == table
    assert container(service, artifact) == definition


def test_engine_measurements_are_not_saved_elsewhere_or_into_a_read_only_folder(
    service: Any, artifact: Path, folder: Path
) -> None:
    store, definition = service.client("s3"), container(service, artifact)
    store.put_object(Bucket="naiad", Key=f"{uploaded(service)[0]}.engines.json", Body=b"{}")
    (artifact / "engines.json").mkdir()
    for model in (artifact, folder, definition["ModelDataUrl"], "a-job", JobHandle(service.client, "a-job")):
        save_engine_measurements(model, definition, store)
    assert {path.name for path in artifact.iterdir()} == {"naiad.json", "engines.json"}
    assert (artifact / "engines.json").is_dir()
    assert not list(folder.glob("*.json"))


@pytest.mark.parametrize("is_own", [True, False])
def test_an_artifact_of_this_machine_is_trusted(
    service: Any, connection: Connection, tmp_path: Path, is_own: bool
) -> None:
    with artifact_folder.replace_artifact(tmp_path / "run") as partial:
        (partial / "program.pt2").write_bytes(b"a program")
        artifact_folder.commit(tmp_path / "run", {}, is_own=is_own)
    connection.deploy(tmp_path / "run", "shoes", wait=False)
    sagemaker = service.client("sagemaker")
    (model,) = sagemaker.list_models()["Models"]
    definition = sagemaker.describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
    assert definition.get("Environment", {}) == ({"NAIAD_TRUST_ARTIFACT": "1"} if is_own else {})


def test_the_endpoint_has_the_options_of_the_call(service: Any, connection: Connection, folder: Path) -> None:
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
    variant, model = deployed(service, "shoes")
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.c5.large", 1)
    assert variant["ManagedInstanceScaling"] == {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
    assert model["Environment"] == {"A": "1", "B": "2"}
    arn = handle.describe()["EndpointArn"]
    assert service.client("sagemaker").list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "vision"}]


def test_an_equal_deployment_keeps_its_names_and_an_update_gets_new_ones(
    service: Any, connection: Connection, folder: Path
) -> None:
    connection.deploy(folder, "shoes", environment={"A": "1", "B": "2"}, wait=False)
    first = deployed(service, "shoes")[0]
    service.finish_deployment("shoes")
    connection.deploy(folder, "shoes", environment={"B": "2", "A": "1"}, wait=False)
    assert deployed(service, "shoes")[0] == first
    service.finish_deployment("shoes")
    connection.deploy(folder, "shoes", replicas=2, environment={"A": "1", "B": "2"}, wait=False)
    second = deployed(service, "shoes")[0]
    assert (second["ModelName"], second["InitialInstanceCount"]) == (first["ModelName"], 2)
    assert connection.endpoint("shoes").status == "Updating"


def test_another_object_at_the_same_url_is_another_model(service: Any, connection: Connection) -> None:
    store = service.client("s3")
    names = set()
    for name, content in (("a", b"one"), ("b", b"two")):
        store.put_object(Bucket="naiad", Key="m/model.tar.gz", Body=content)
        connection.deploy("s3://naiad/m/model.tar.gz", name, wait=False)
        names.add(deployed(service, name)[0]["ModelName"].partition("-")[2])
    assert len(names) == 2


def test_a_job_is_deployed_by_its_handle_or_its_name(service: Any, connection: Connection) -> None:
    service.create("one")
    with pytest.raises(InputError, match="job one has left no model: it is InProgress"):
        container(service, "one")
    service.tick()
    service.finish("one")
    expected = service.client("sagemaker").describe_training_job(TrainingJobName="one")["ModelArtifacts"]
    assert container(service, "one")["ModelDataUrl"] == expected["S3ModelArtifacts"]
    assert container(service, connection.job("one")) == container(service, "one")


def test_a_package_is_deployed_by_its_arn(service: Any) -> None:
    assert container(service, PACKAGE) == {"ModelPackageName": PACKAGE}
    assert archive_version({"ModelPackageName": PACKAGE}, service.client("s3")) == ""


def test_an_archive_is_uploaded_as_it_is(service: Any, tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"an archive")
    container(service, tmp_path / "model.tar.gz")
    (key,) = uploaded(service)
    assert service.client("s3").get_object(Bucket="naiad", Key=key)["Body"].read() == b"an archive"


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (SimpleNamespace(path=None), ArtifactError, "was not saved"),
        (3, InputError, "a int cannot be deployed"),
        ("./nowhere", InputError, "nowhere does not exist"),
        (Path("nowhere"), InputError, "nowhere does not exist"),
        ("nobody", InputError, "nobody is neither a file here nor a job on the server: Requested resource not found"),
        ("s3://naiad/nothing.tar.gz", InputError, "nothing.tar.gz cannot be read: Not Found"),
    ],
)
def test_a_model_that_cannot_be_deployed_is_refused_before_anything_is_created(
    service: Any, connection: Connection, model: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        connection.deploy(model, "shoes", wait=False)
    assert service.client("sagemaker").list_models()["Models"] == []
    assert uploaded(service) == []


def test_options_are_checked_before_anything_is_sent(service: Any, connection: Connection, folder: Path) -> None:
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
def test_numbers_of_replicas(replicas: Any, least: Any, most: Any, expected: Any) -> None:
    variant = make_variant(instance_type="ml.m5.large", replicas=replicas, min_replicas=least, max_replicas=most)
    scaling = variant.get("ManagedInstanceScaling")
    bounds = None if scaling is None else (scaling["MinInstanceCount"], scaling["MaxInstanceCount"])
    assert (variant["InitialInstanceCount"], bounds) == expected


@pytest.mark.parametrize(
    ("replicas", "least", "most"), [(0, None, None), (1, 2, None), (5, 1, 4), (1, -1, 1), (None, 2, 1)]
)
def test_numbers_of_replicas_that_are_refused(replicas: Any, least: Any, most: Any) -> None:
    with pytest.raises(OptionError, match="is not between"):
        make_variant(instance_type="ml.m5.large", replicas=replicas, min_replicas=least, max_replicas=most)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a" * 64, "ä", "a\n"])
def test_endpoint_names_that_are_refused(name: str) -> None:
    check_endpoint_name("a--b")
    check_endpoint_name("a" * 63)
    with pytest.raises(OptionError, match="cannot be an endpoint's name"):
        check_endpoint_name(name)


def test_a_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": {"c": 2, "d": 3}}) == digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert digest("a", "b") != digest("ab", "")
