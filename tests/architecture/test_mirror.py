"""Tests mirror the source, file for file."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE, TESTS = ROOT / "src" / "naiad", ROOT / "tests" / "unit"
ELSEWHERE = {
    # Commands are tested as a user types them: tests/e2e/test_cli.py, tests/e2e/test_bad_input.py.
    "cli/doctor.py",
    "cli/inspect.py",
    "cli/nets.py",
    "cli/options.py",
    "cli/predict.py",
    "cli/results.py",
    "cli/test.py",
    "cli/verify_resume.py",
    # tests/architecture/test_reference.py
    "cli/reference.py",
    # Nouns without behaviour of their own.
    "trainer/data/dataset.py",
    "trainer/data/findings.py",
    # tests/unit/trainer/data/features/test_fit.py
    "trainer/data/features/choice.py",
    # tests/unit/service/executors/test_warm.py
    "service/jobs/agent/warm.py",
    # Their contract suites: tests/contract/test_blobs.py, test_blobs_folder.py, test_store.py, test_database_lock.py.
    "service/blobs/errors.py",
    "service/blobs/folder.py",
    "service/blobs/remote.py",
    "service/blobs/remote_shapes.py",
    "service/blobs/space.py",
    "service/blobs/uploads.py",
    "service/store/database_lock.py",
    # Ports and other nouns without behaviour of their own.
    "service/blobs/port.py",
    "service/domain/entity.py",
    "service/endpoints/threads.py",
    "service/endpoints/worker/port.py",
    "service/store/entities_port.py",
    "service/executors/port.py",
    "service/gateway/operation.py",
    "service/gateway/request.py",
    "service/store/port.py",
    # tests/e2e/endpoints, where replicas are processes of a live server.
    "service/endpoints/launch.py",
    "service/endpoints/prepare.py",
    "service/gateway/invocations.py",
    # tests/unit/service/endpoints/test_pool.py
    "service/endpoints/calls.py",
    "service/endpoints/replica.py",
    # tests/unit/service/endpoints/worker/engines/test_open.py
    "service/endpoints/worker/engines/onnx.py",
    "service/endpoints/worker/engines/openvino.py",
    "service/endpoints/worker/engines/torch_program.py",
    # tests/contract/test_entities.py
    "service/store/entities.py",
    "service/store/sessions.py",
    "service/store/tagging.py",
    # tests/wire/test_models.py
    "service/gateway/operations/endpoint_configs.py",
    "service/gateway/operations/endpoints.py",
    "service/gateway/operations/entity_listing.py",
    "service/gateway/operations/model_packages.py",
    "service/gateway/operations/models.py",
    # tests/e2e/endpoints/test_artifact.py
    "service/gateway/operations/log_groups.py",
    "service/gateway/prometheus.py",
    # tests/e2e/endpoints/test_transform.py
    "service/gateway/operations/transform_jobs.py",
    # tests/unit/service/jobs/test_requests.py
    "service/jobs/transform_request.py",
    "service/jobs/processing_request.py",
    "service/jobs/training_request.py",
    # tests/unit/service/gateway/operations/test_training_jobs.py and test_logs.py
    "service/gateway/operations/listing.py",
    "service/gateway/operations/training_answer.py",
    "service/jobs/streams.py",
    "service/jobs/walk.py",
}


def test_every_file_has_a_test_of_its_name():
    files = [path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if not path.name.startswith("__")]
    without = {str(file) for file in files if not (TESTS / file.parent / f"test_{file.name}").is_file()}
    assert without == ELSEWHERE
