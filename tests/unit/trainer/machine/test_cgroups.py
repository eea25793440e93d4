"""Limits of control groups, read from written trees of both versions."""

import pytest

from naiad.trainer.machine.cgroups import CURRENT_PROCESS, ControlGroups

VERSION_2 = "0::/user/naiad/job\n"
VERSION_1 = "9:name=systemd:/\n4:memory:/docker/job\n2:cpu,cpuacct:/docker/job\n0::/\n"


@pytest.fixture
def groups(tmp_path):
    """A function that writes the process's membership lines and the text of each file."""

    def make(membership, files):
        for name, text in files.items():
            file = tmp_path / "mount" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\n")
        (tmp_path / "membership").write_text(membership)
        return ControlGroups(tmp_path / "mount", tmp_path / "membership")

    return make


def memory(folder, limit, used, *, version=2, stat=None):
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    files = {f"{folder}/{names[0]}": limit, f"{folder}/{names[1]}": used}
    return {**files, f"{folder}/memory.stat": stat} if stat else files


@pytest.mark.parametrize(
    ("membership", "files", "left"),
    [
        (VERSION_2, memory(".", 3_000, 1_000), 2_000),
        (VERSION_2, memory("user/naiad/job", 3_000, 1_000), 2_000),
        (VERSION_2, memory("user/naiad", 3_000, 1_000) | memory("user/naiad/job", "max", 400), 2_000),
        (VERSION_2, memory("user", 9_000, 8_500) | memory("user/naiad/job", 3_000, 1_000), 500),
        (VERSION_2, memory("user/other", 10, 5) | memory("user/naiad/job", 3_000, 1_000), 2_000),
        (VERSION_2, memory("user/naiad/job", 3_000, 4_000), 0),
        (VERSION_2, memory("user/naiad/job", 3_000, 0), 3_000),
        (VERSION_2, memory("user/naiad/job", "max", 1_000), None),
        (VERSION_2, memory(".", 3_000, 1_000, stat="anon 5\ninactive_file 400"), 2_400),
        (VERSION_1, memory("memory/docker/job", 3_000, 1_000, version=1), 2_000),
        (VERSION_1, memory("memory", 3_000, 1_000, version=1), 2_000),
        (VERSION_1, memory("memory/docker/job", (1 << 63) - 4096, 1_000, version=1), None),
        (
            VERSION_1,
            memory("memory", 3_000, 1_000, version=1, stat="inactive_file 0\ntotal_inactive_file 400"),
            2_400,
        ),
        ("0::/../elsewhere\n", memory(".", 3_000, 1_000), 2_000),
        ("", memory(".", 3_000, 1_000), 2_000),
        (VERSION_2, {}, None),
    ],
)
def test_the_tightest_limit_decides_how_much_memory_is_left(groups, membership, files, left):
    assert groups(membership, files).memory_left_bytes() == left


def cfs(folder, quota, period):
    return {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": period}


@pytest.mark.parametrize(
    ("membership", "files", "cores"),
    [
        (VERSION_2, {"cpu.max": "150000 100000"}, 1.5),
        (VERSION_2, {"user/naiad/job/cpu.max": "max 100000"}, None),
        (VERSION_2, {"user/cpu.max": "200000 100000", "user/naiad/job/cpu.max": "max 100000"}, 2.0),
        (VERSION_2, {"user/cpu.max": "200000 100000", "user/naiad/job/cpu.max": "50000 100000"}, 0.5),
        (VERSION_1, cfs("cpu/docker/job", 300_000, 100_000), 3.0),
        (VERSION_1, cfs("cpu", 300_000, 100_000) | cfs("cpu/docker/job", -1, 100_000), 3.0),
        (VERSION_1, cfs("cpu/docker/job", -1, 100_000), None),
        (VERSION_1, {"unified/cpu.max": "100000 100000"}, 1.0),
        (VERSION_2, {"cpu.max": ""}, None),
        (VERSION_2, {}, None),
    ],
)
def test_the_tightest_quota_decides_the_cores(groups, membership, files, cores):
    assert groups(membership, files).core_quota() == cores


def test_without_control_groups_there_is_no_limit(tmp_path):
    nowhere = ControlGroups(tmp_path / "mount", tmp_path / "membership")
    assert (nowhere.memory_left_bytes(), nowhere.core_quota()) == (None, None)


def test_the_groups_of_this_process_are_read():
    left, cores = CURRENT_PROCESS.memory_left_bytes(), CURRENT_PROCESS.core_quota()
    assert left is None or left >= 0
    assert cores is None or cores > 0


@pytest.mark.parametrize(
    ("membership", "files", "seconds"),
    [
        (VERSION_2, {"user/naiad/cpu.stat": "usage_usec 7\nnr_throttled 3\nthrottled_usec 1500000"}, 1.5),
        (VERSION_1, {"cpu/docker/job/cpu.stat": "nr_periods 1\nnr_throttled 3\nthrottled_time 2500000000"}, 2.5),
        (VERSION_2, {}, 0.0),
    ],
)
def test_the_time_without_quota_is_counted(groups, membership, files, seconds):
    assert groups(membership, files).throttled_s() == seconds
