"""The walls around a program: it cannot leave its folder, reach the server's, or make the agent do so."""

import signal
import tarfile
from typing import Any

import pytest
from network_programs import machine_listener

from naiad.service.walls.internet_tools import installed_internet_tools
from naiad.service.walls.support import find_wall_support
from naiad.service.walls.unreachable import host_networks


def secret_of(jobs: Any) -> str:
    return str(jobs.server.address.secret_key)


def test_the_environment_of_a_job_has_no_effect_outside_its_sandbox(jobs: Any, archive: Any) -> None:
    """PATH and the loader's variables are for the program, and not for what makes the sandbox."""
    fake = b'#!/bin/sh\necho escaped; cat "$NAIAD_TEST_STATE/keys.json"\n'
    state = str(jobs.server.state)
    source = archive({"train.py": b"print('ran')", "unshare": fake, "sh": fake, "mount": fake})
    path = ".:/opt/ml/python/bin:/usr/local/bin:/usr/bin:/bin"
    name = jobs.source("path", source, Environment={"PATH": path, "NAIAD_TEST_STATE": state})
    assert jobs.end(name)["TrainingJobStatus"] == "Completed"
    assert "escaped" not in "\n".join(jobs.lines(name))
    loaded = jobs.shell("loader", 'echo "$LD_PRELOAD"; true', Environment={"LD_PRELOAD": "./none.so"})
    output = jobs.completed(loaded)
    assert "./none.so" in output
    assert not [line for line in output if "unshare" in line or "mount" in line]


def test_links_in_place_of_the_contracts_files_are_not_followed(jobs: Any) -> None:
    keys = jobs.server.state / "keys.json"
    failure = jobs.shell("link-failure", f"ln -s {keys} /opt/ml/output/failure; exit 3")
    message = jobs.shell("link-message", f"ln -s {keys} /opt/ml/output/message")
    folder = jobs.shell("link-output", f"rm -rf /opt/ml/output; ln -s {keys.parent} /opt/ml/output; echo x; exit 3")
    model = jobs.shell("link-model", f"rm -rf /opt/ml/model; ln -s {keys.parent} /opt/ml/model")
    reason = jobs.failed(failure)
    assert secret_of(jobs) not in reason
    assert reason == "AlgorithmError: the program ended with exit status 3"
    jobs.end(message)
    reports = [
        path.read_text() for path in jobs.server.files(f"jobs/training-job/{message}") if path.name == "status.json"
    ]
    assert reports
    assert not [report for report in reports if secret_of(jobs) in report]
    assert jobs.failed(folder) == "AlgorithmError: the program ended with exit status 3; its last line was: x"
    assert jobs.end(model)["TrainingJobStatus"] == "Completed"
    assert jobs.keys("out/link-model/") == set()


def test_only_regular_files_of_the_model_are_stored(jobs: Any) -> None:
    program = f"""
        cd /opt/ml/model && mkdir deep && echo w > weights && echo d > deep/er
        ln -s /etc/passwd passwd && ln -s {jobs.server.state} state && ln -s /etc folder && mkfifo pipe
        python -c 'import os, socket; socket.socket(socket.AF_UNIX).bind("socket"); os.mkfifo(b"\\xff\\n")'
    """
    packed = jobs.shell("kinds", program)
    plain = {"S3OutputPath": "s3://naiad/out/", "CompressionType": "NONE"}
    as_files = jobs.shell("kinds-plain", program, OutputDataConfig=plain)
    jobs.completed(packed)
    assert jobs.packed("out/kinds/output/model.tar.gz") == {"weights": b"w\n", "deep/er": b"d\n"}
    jobs.completed(as_files)
    assert jobs.keys("out/kinds-plain/output/model/") == {"weights", "deep/er"}


def test_a_pipe_or_a_flood_in_place_of_the_failure_file(jobs: Any) -> None:
    pipe = jobs.shell("pipe-failure", "mkfifo /opt/ml/output/failure; exit 3")
    flood = jobs.shell("flood", "yes failed | head -c 30000000 > /opt/ml/output/failure; exit 3")
    assert jobs.failed(pipe) == "AlgorithmError: the program ended with exit status 3"
    assert jobs.failed(flood).startswith("failed\nfailed")
    assert len(jobs.end(flood)["FailureReason"]) <= 1024


def test_a_program_does_not_see_the_state_folder(jobs: Any) -> None:
    state = jobs.server.state
    output = jobs.completed(
        jobs.shell("sight", f"ls -A {state} {state}/jobs {state}/keys.json 2>/dev/null; ls -x /opt/ml")
    )
    assert [line.split() for line in output] == [["checkpoints", "code", "input", "model", "output", "python"]]


def test_a_slow_regex_of_a_metric_does_not_stop_the_job(jobs: Any) -> None:
    definitions = [{"Name": "slow", "Regex": "(a+)+$"}, {"Name": "loss", "Regex": "loss=([0-9.]+)"}]
    image = {"TrainingImage": "any/image", "TrainingInputMode": "File", "MetricDefinitions": definitions}
    words = {"ContainerEntrypoint": ["sh", "-c", f"echo {'a' * 60}b loss=0.5"]}
    name = jobs.start("regex", AlgorithmSpecification={**image, **words})
    jobs.completed(name)
    assert [(last["MetricName"], last["Value"]) for last in jobs.describe(name)["FinalMetricDataList"]] == [
        ("loss", 0.5)
    ]


def test_a_deep_tree_of_a_program_is_removed(jobs: Any) -> None:
    program = """
        import os
        os.chdir("/opt/ml/model")
        for _ in range(1100):
            os.mkdir("deep")
            os.chdir("deep")
        open("end", "w").close()
    """
    name = jobs.python("deep", program)
    jobs.end(name)
    folder = jobs.server.state / "jobs" / "training-job" / name / "1" / "algo-1"
    jobs.until(lambda: not (folder / "ml").exists())


ESCAPE = """
    umount /opt/ml && echo unmounted
    umount -l /proc && echo unmounted
    mount -o remount,bind,rw /usr && echo remounted
    unshare --user --map-root-user --mount true && echo namespaces
    cat {state}/keys.json /etc/shadow && echo read
    ls -A {state} && echo listed
    touch /usr/lib/naiad-test && echo written
    ps -e -o pid= | wc -l
    grep CapEff /proc/self/status
"""


def test_a_program_stays_inside(jobs: Any) -> None:
    """The last three are the shell and the two commands of its line: it sees no other process than init."""
    program = ESCAPE.format(state=jobs.server.state)
    output = [
        line
        for line in jobs.completed(jobs.shell("escape", f"{program}\ntrue"))
        if ": " not in line and "dmesg" not in line
    ]
    assert [line.split() for line in output] == [["4"], ["CapEff:", "0000000000000000"]]


def test_an_archive_of_another_user_is_unpacked(jobs: Any, archive: Any, channel: Any) -> None:
    """SDK 3 does the same for a source_dir that is an archive."""
    info = tarfile.TarInfo("from-afar")
    info.uid, info.gid, info.uname = 4321, 4321, "somebody"
    jobs.put({"afar/a.tar.gz": archive({"from-afar": info})})
    program = "cd /tmp && tar -xzf /opt/ml/input/data/afar/a.tar.gz && ls from-afar"
    name = jobs.shell("afar", program, InputDataConfig=[channel("afar", "afar/")])
    assert jobs.completed(name) == ["from-afar"]


def test_an_isolated_job_reaches_its_objects_and_nothing_else(jobs: Any) -> None:
    program = """
        import boto3, socket
        store = boto3.client("s3")
        store.put_object(Bucket="naiad", Key="out/isolated/own", Body=b"x" * 5_000_000)
        print(len(store.get_object(Bucket="naiad", Key="out/isolated/own")["Body"].read()))
        try:
            socket.create_connection(("1.1.1.1", 53), timeout=5)
        except OSError as error:
            print(error.strerror)
    """
    name = jobs.python("isolated", program, EnableNetworkIsolation=True)
    assert jobs.completed(name) == ["5000000", "Network is unreachable"]
    assert jobs.describe(name)["EnableNetworkIsolation"] is True


@pytest.mark.skipif(not installed_internet_tools(), reason="neither pasta nor slirp4netns can be used")
@pytest.mark.skipif(not find_wall_support().has_network, reason="networks of programs' own are not allowed here")
def test_a_job_with_the_internet_reaches_its_objects_and_not_the_machine(own_jobs: Any) -> None:
    own_jobs.server.end(signal.SIGTERM)
    own_jobs.server.start("--no-warm", "--job-network", "internet")
    with machine_listener() as port:
        program = f"""
            import boto3, socket
            boto3.client("s3").put_object(Bucket="naiad", Key="out/online/own", Body=b"x")
            interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
            print(len(interfaces))
            for address in ("127.0.0.1", "169.254.169.254", {", ".join(map(repr, own_addresses()))}):
                try:
                    socket.create_connection((address, {port}), timeout=5)
                    print("reached", address)
                except OSError as error:
                    print(error.strerror)
        """
        output = own_jobs.completed(own_jobs.python("online", program))
    assert output == ["1", *["Connection refused"] * (2 + len(own_addresses()))]
    assert "own" in own_jobs.keys("out/online/")


def own_addresses() -> list[str]:
    return [network.partition("/")[0] for network in host_networks()]
