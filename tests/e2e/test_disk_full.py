"""A disk that fills up during a run: the last checkpoint stays, and the run is resumed when there is free space."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = textwrap.dedent("""
    import pathlib, sys
    from naiad.cli.main import main
    folder = pathlib.Path(sys.argv[1])
    train = "train mlp digits --epochs 4 --no-report --set checkpoint_steps=5".split() + ["--out", str(folder / "run")]
    filler = folder / "filler"
    from naiad.trainer.loop.checkpoint import FolderCheckpoints
    save, count = FolderCheckpoints.save, [0]
    def fill_and_save(self, snapshot, *, regular=True):
        count[0] += 1
        if count[0] == 3:  # another program takes almost all free space
            with filler.open("wb") as file:
                try:
                    while True:
                        file.write(b"x" * 65536)
                        file.flush()
                except OSError:
                    file.close()
        save(self, snapshot, regular=regular)
    FolderCheckpoints.save = fill_and_save
    print("status", main(train))
    names = sorted(path.name for path in (folder / "run" / "checkpoints").iterdir())
    print("checkpoints", names)
    filler.unlink()
    FolderCheckpoints.save = save
    print("resumed", main([*train, "--resume"]))
    print("artifact", (folder / "run" / "naiad.json").is_file())
""")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, to mount a small disk")
def test_the_run_is_resumed_when_there_is_free_space(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=8m tmpfs {tmp_path} && exec {sys.executable} -c "$0" {tmp_path}'
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", mount, PROGRAM], capture_output=True, text=True, check=False)
    if "unshare:" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert "status 1" in done.stdout, done.stderr
    assert "no room is left" in done.stderr
    (checkpoints,) = [line for line in done.stdout.splitlines() if line.startswith("checkpoints")]
    assert "step-" in checkpoints
    assert "partial" not in checkpoints
    assert "resumed 0" in done.stdout, done.stderr
    assert "artifact True" in done.stdout
