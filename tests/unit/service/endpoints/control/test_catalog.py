import pytest

from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.store.entity_port import EntityQuery

MODEL = {"PrimaryContainer": {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz", "Environment": {"A": "1"}}}
VARIANT = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}


@pytest.fixture
def catalog(service) -> ModelCatalog:
    return service.catalog


def test_a_model_and_a_configuration_of_it(catalog: ModelCatalog):
    catalog.create_model({"ModelName": "m", **MODEL, "Tags": []}, {"team": "x"})
    assert "Tags" not in catalog.get(EntityKind.MODEL, "m").request
    assert catalog.model_container("m") == MODEL["PrimaryContainer"]
    catalog.create_endpoint_config({"EndpointConfigName": "c", "ProductionVariants": [VARIANT]}, {})
    assert catalog.endpoint_config("c").request["ProductionVariants"] == [VARIANT]
    catalog.delete(EntityKind.MODEL, "m")
    with pytest.raises(NotFound, match=r'Could not find model "arn:.*:model/m"'):
        catalog.model_container("m")
    assert [one.name for one in catalog.find(EntityQuery(EntityKind.ENDPOINT_CONFIG)).entities] == ["c"]


def test_an_existing_model_is_refused_in_awss_words(catalog: ModelCatalog):
    catalog.create_model({"ModelName": "m", **MODEL}, {})
    with pytest.raises(Invalid, match='Cannot create already existing model "arn:'):
        catalog.create_model({"ModelName": "m", **MODEL}, {})


@pytest.mark.parametrize(
    "data",
    [
        {"ModelDataUrl": "s3://data/absent.tar.gz"},
        {"ModelDataUrl": "https://data.s3.us-east-1.amazonaws.com/absent"},
        {
            "ModelDataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "CompressionType": "None", "S3Uri": "s3://data/no/"}
            }
        },
    ],
)
def test_a_model_without_its_data_is_refused_in_awss_words(catalog: ModelCatalog, data: dict[str, object]):
    with pytest.raises(Invalid, match="Could not find model data at s3://data/"):
        catalog.create_model({"ModelName": "m", "PrimaryContainer": {"Image": "a", **data}}, {})


def test_a_configuration_of_a_missing_model(catalog: ModelCatalog):
    with pytest.raises(NotFound, match="Could not find model"):
        catalog.create_endpoint_config({"EndpointConfigName": "c", "ProductionVariants": [VARIANT]}, {})


def test_a_model_of_a_package_has_its_container_and_both_environments(catalog: ModelCatalog):
    package = {"ModelPackageName": "p", "InferenceSpecification": {"Containers": [MODEL["PrimaryContainer"]]}}
    arn = catalog.registry.create_package(package, {}).arn
    catalog.create_model(
        {"ModelName": "m", "PrimaryContainer": {"ModelPackageName": arn, "Environment": {"B": "2"}}}, {}
    )
    assert catalog.model_container("m") == {**MODEL["PrimaryContainer"], "Environment": {"A": "1", "B": "2"}}
