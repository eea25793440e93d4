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
    # tests/e2e/test_service.py
    "cli/env.py",
    "cli/jobs.py",
    "cli/keys.py",
    "cli/remote.py",
    "cli/serve.py",
    "client/connection.py",
    "client/data.py",
    "client/job.py",
    "service/compose.py",
    "service/run.py",
    "service/executors/files.py",
    "service/executors/local.py",
    "service/executors/process.py",
    "service/jobs/agent/checkpoints.py",
    "service/jobs/agent/command.py",
    "service/jobs/agent/contract.py",
    "service/jobs/agent/output.py",
    "service/jobs/agent/program.py",
    "service/jobs/agent/sandbox.py",
    "service/jobs/agent/scan.py",
    "trainer/job.py",
    # tests/unit/service/jobs/agent/test_log.py
    "service/jobs/logs.py",
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
    "service/executors/port.py",
    "service/gateway/operation.py",
    "service/gateway/request.py",
    "service/store/port.py",
    # tests/unit/service/jobs/test_supervisor.py, test_service.py and test_requests.py
    "service/executors/inline.py",
    "service/jobs/bell.py",
    "service/jobs/layout.py",
    "service/jobs/outcome.py",
    "service/jobs/processing_request.py",
    "service/jobs/s3_uri.py",
    "service/jobs/training_request.py",
    # tests/unit/service/gateway/operations/test_training_jobs.py and test_logs.py
    "service/gateway/operations/listing.py",
    "service/gateway/operations/training_answer.py",
    "service/jobs/streams.py",
    "service/jobs/walk.py",
    # tests/e2e/test_service.py
    "service/jobs/agent/channels.py",
    # tests/wire/test_auth.py
    "service/gateway/answers.py",
    "service/gateway/app.py",
    "service/gateway/dispatch.py",
    "service/gateway/errors.py",
    "service/gateway/operations/iam.py",
    "service/gateway/operations/sts.py",
    "service/gateway/raw.py",
    "service/gateway/refusal.py",
    "service/gateway/sigv4.py",
    "service/gateway/spec.py",
}


def test_every_file_has_a_test_of_its_name():
    files = [path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if not path.name.startswith("__")]
    without = {str(file) for file in files if not (TESTS / file.parent / f"test_{file.name}").is_file()}
    assert without == ELSEWHERE
