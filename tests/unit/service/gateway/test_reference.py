"""The page of operations agrees with the handlers."""

from pathlib import Path

from botocore.loaders import Loader
from botocore.model import ServiceModel

from naiad.service.gateway.reference import operations_page
from naiad.service.gateway.s3.operations import operation_notes

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "operations.md"


def test_the_page_agrees_with_the_handlers():
    assert PAGE.read_text(encoding="utf-8") == operations_page(), (
        "write it anew: python -m naiad.service.gateway.reference > docs/reference/operations.md"
    )


def test_parameters_of_s3_that_are_refused_have_a_note():
    model = ServiceModel(Loader().load_service_model("s3", "service-2"), "s3")
    for parameter, word in (("VersionId", "versions"), ("ObjectLockMode", "lock"), ("Delimiter", "delimiter")):
        for name, note in operation_notes().items():
            shape = model.operation_model(name).input_shape
            is_served = name in ("ListObjects", "ListObjectsV2", "ListObjectVersions") and parameter == "Delimiter"
            if shape is not None and parameter in shape.members and not is_served:
                assert word in note or "locked" in note, (name, parameter)
