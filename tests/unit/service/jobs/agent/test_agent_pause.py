"""A program that pauses, as its agent sees it: the checkpoint is stored, the model is not."""

import dataclasses
import time
from pathlib import Path
from typing import Any

from agent_runs import lines, training_spec

from naiad.service.blobs.open import open_blobs
from naiad.service.compose import AGENT_COMMAND
from naiad.service.domain.status import STATUS_OF, Phase
from naiad.service.executors.local import LocalExecutor
from naiad.service.executors.port import InstanceReport, InstanceSpec

PROGRAM = """
    import json, os, pathlib, sys
    state = pathlib.Path("/opt/ml/checkpoints/state")
    before = int(state.read_text()) if state.exists() else 0
    state.write_text(str(before + 1))
    print("epoch", before + 1, flush=True)
    pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text("w")
    if before:
        sys.exit(0)
    pathlib.Path("/opt/ml/output/naiad-pause.json").write_text(json.dumps({"paused_at": 1, "objective": 0.5}))
    sys.exit(75)
"""


def run_to_rest(spec: InstanceSpec) -> InstanceReport:
    executor, deadline = LocalExecutor(AGENT_COMMAND), time.monotonic() + 60
    executor.start(spec)
    try:
        while True:
            report = executor.report(spec.instance)
            if report is not None and not report.alive:
                return report
            assert time.monotonic() < deadline, report
            time.sleep(0.01)
    finally:
        executor.kill(spec.instance)


def spec_of(state: Path, **more: Any) -> InstanceSpec:
    spec = training_spec(
        state, PROGRAM, more={"CheckpointConfig": {"S3Uri": "s3://naiad/out/one/checkpoints/"}, **more}
    )
    values = {**spec.request["HyperParameters"], "_naiad_pause_at_epochs": "1"}
    return dataclasses.replace(spec, request={**spec.request, "HyperParameters": values})


def stored(state: Path) -> dict[str, bytes]:
    blobs = open_blobs(str(state / "blobs"))
    found = blobs.list("naiad", prefix="out/", limit=100).objects
    return {info.key: b"".join(blobs.read("naiad", info.key)[1]) for info in found}


def test_a_pause_keeps_the_checkpoint_and_the_next_attempt_goes_on_from_it(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, TuningJobArn="arn")
    report = run_to_rest(spec)
    assert (report.phase, report.message, report.failure_reason) == (Phase.PAUSED, "paused at epoch 1", None)
    assert not STATUS_OF[report.phase].is_final
    assert stored(tmp_path) == {"out/one/checkpoints/state": b"1"}
    assert not (spec.instance.folder / "ml").exists()
    folder = tmp_path / "jobs" / "training-job" / "one" / "2" / "algo-1"
    second = dataclasses.replace(spec, instance=dataclasses.replace(spec.instance, attempt=2, folder=folder))
    assert run_to_rest(second).phase is Phase.COMPLETED
    assert [line for line in lines(second) if line.startswith("epoch")] == ["epoch 2"]
    assert set(stored(tmp_path)) == {
        "out/one/checkpoints/state",
        "out/one/output/model.tar.gz",
    }


def test_a_job_of_no_tuning_job_fails_with_the_same_status(tmp_path: Path) -> None:
    report = run_to_rest(spec_of(tmp_path))
    assert report.phase is Phase.FAILED
    assert "75" in (report.failure_reason or "")
