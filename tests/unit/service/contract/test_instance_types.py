import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from naiad.service.contract.instance_types import GIB, instance_type
from naiad.service.domain.errors import Invalid, LimitExceeded


@pytest.mark.parametrize(
    ("name", "cores", "memory_gib", "gpus"),
    [
        ("ml.m5.large", 2, 8, 0),
        ("ml.m5.24xlarge", 96, 384, 0),
        ("ml.c5.9xlarge", 36, 72, 0),
        ("ml.r5.2xlarge", 8, 64, 0),
        ("ml.t3.medium", 2, 4, 0),
        ("ml.t3.2xlarge", 8, 32, 0),
        ("ml.g4dn.12xlarge", 48, 192, 4),
        ("ml.g5.48xlarge", 192, 768, 8),
        ("ml.p3.2xlarge", 8, 61, 1),
        ("ml.m7i-flex.large", 2, 8, 0),
    ],
)
def test_types_have_the_sizes_that_aws_documents(name: str, cores: int, memory_gib: int, gpus: int) -> None:
    kind = instance_type(name)
    assert (kind.cores, kind.memory_bytes // GIB, kind.gpus) == (cores, memory_gib, gpus)


def test_nearly_every_type_of_aws_is_known() -> None:
    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    names = {*model.shape_for("TrainingInstanceType").enum, *model.shape_for("ProcessingInstanceType").enum}
    unknown = set()
    for name in names:
        try:
            instance_type(name)
        except LimitExceeded:
            assert "trn" in name or "inf" in name
        except Invalid:
            unknown.add(name)
    assert {name.split(".")[1] for name in unknown} <= {"g7", "g7e", "p6e-gb200"}


@pytest.mark.parametrize(
    "name", ["", "m5.large", "ml.m5.huge", "ml.m5.1xlarge", "ml.g5.3xlarge", "ml.zz.large", "ml.m5.²xlarge"]
)
def test_an_unknown_name_is_refused_and_a_similar_one_suggested(name: str) -> None:
    with pytest.raises(Invalid, match=r"try (ml|local)"):
        instance_type(name)
