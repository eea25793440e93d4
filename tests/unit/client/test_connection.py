from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from naiad.client.connection import Connection, connect
from naiad.errors import DataError, FolderError, NetworkError, OptionError
from naiad.service.domain.job import JobKind

NET = "from torch import nn\n\nclass Mine(nn.Module):\n    pass\n"


@pytest.fixture
def connection(service: Any) -> Connection:
    return connect()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [f"{n % 7},{n % 5},{'ab'[n % 2]}" for n in range(80)]
    (tmp_path / "table.csv").write_text("\n".join(["x,y,kind", *rows]) + "\n")
    return tmp_path / "table.csv"


def request(service: Any, name: str) -> dict[str, Any]:
    return dict(service.jobs.describe(JobKind.TRAINING, name).request)


def keys(service: Any) -> list[str]:
    rows = service.client("s3").list_objects_v2(Bucket="naiad").get("Contents", [])
    return [row["Key"] for row in rows]


def test_the_server_comes_from_the_call_the_environment_or_the_folder(
    service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connect().url == connect(state=service.state).url == service.address.url
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://other:1")
    monkeypatch.setenv("NAIAD_BUCKET", "mine")
    assert (connect().url, connect().bucket) == ("http://other:1", "mine")
    assert connect("http://given:2").url == "http://given:2"
    connection = connect(state=service.state)
    assert (connection.url, connection.bucket) == (service.address.url, service.address.bucket)
    assert connection.session.get_credentials().access_key == service.address.access_key
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(FolderError, match="no server has run on"):
        connect(state=tmp_path / "nothing")


def test_a_name_that_no_network_has_is_refused_before_anything_is_sent(service: Any, connection: Connection) -> None:
    with pytest.raises(NetworkError, match="no network is called 'simplenett'") as caught:
        connection.fit("simplenett", "digits")
    assert caught.value.hint == "did you mean 'simplenet'?"
    assert service.client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []


def test_options_become_hyperparameters(service: Any, connection: Connection) -> None:
    service.client("s3").put_object(Bucket="naiad", Key="held-out/a.csv", Body=b"1")
    job = connection.fit(
        "mlp",
        "digits",
        validation="s3://naiad/held-out/",
        epochs=3,
        time_limit_s=90,
        plan={"batch_size": 64, "augment": ("flip", "shift"), "clip_norm": None},
        image_size=(32, 48),
        report=False,
        tags={"team": "vision"},
    )
    sent = request(service, job.name)
    assert sent["HyperParameters"] == {
        "net": "mlp",
        "data": "digits",
        "epochs": "3",
        "time_limit": "90s",
        "seed": "0",
        "image_size": "32x48",
        "report": "false",
        "plan.batch_size": "64",
        "plan.augment": "flip,shift",
        "plan.clip_norm": "none",
    }
    assert [channel["ChannelName"] for channel in sent["InputDataConfig"]] == ["validation"]
    assert sent["Tags"] == [{"Key": "team", "Value": "vision"}]


def test_local_data_and_a_networks_source_are_uploaded(
    service: Any, connection: Connection, table: Path, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(NET)
    job = connection.fit(f"{tmp_path}/net.py:Mine", table, label="kind", name="one")
    sent = request(service, job.name)
    assert sent["HyperParameters"]["net"] == "net.py:Mine"
    uris = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in sent["InputDataConfig"]
    }
    assert uris["code"] == "s3://naiad/one/code/"
    assert "one/code/net.py" in keys(service)
    assert f"{uris['train']}table.csv".removeprefix("s3://naiad/") in keys(service)


@pytest.mark.parametrize(
    ("net", "data", "options", "error"),
    [
        ("nothing.py:Mine", "digits", {}, NetworkError),
        ("mlp", Path("/nowhere/at/all"), {}, DataError),
        ("mlp", "digits", {"plan": {"augment": True}}, OptionError),
    ],
)
def test_an_input_that_cannot_be_sent_is_refused_before_anything_is_sent(
    service: Any, connection: Connection, net: str, data: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        connection.fit(net, data, **options)
    assert keys(service) == []
    assert service.jobs.store.unfinished_jobs() == ()


def test_a_preflight_that_fails_uploads_and_queues_nothing(service: Any, connection: Connection, table: Path) -> None:
    with pytest.raises(DataError, match="kindd"):
        connection.fit("mlp", table, label="kindd", preflight=True)
    assert keys(service) == []
    assert service.jobs.store.unfinished_jobs() == ()


def test_a_preflight_that_passes_queues_the_job(service: Any, connection: Connection, table: Path) -> None:
    job = connection.fit("mlp", table, label="kind", preflight=True)
    assert job.status == "InProgress"


def test_the_server_refuses_a_name_that_is_taken(service: Any, connection: Connection) -> None:
    connection.fit("mlp", "digits", name="one")
    with pytest.raises(ClientError, match="ResourceInUse"):
        connection.fit("mlp", "digits", name="one")
    assert connection.job("one").status == "InProgress"
