"""Likely causes of a slow run."""

from dataclasses import replace

import pytest

from naiad.trainer.machine.cgroups import ControlGroups
from naiad.trainer.machine.core_time import CoreClock
from naiad.trainer.machine.slow_causes import MachineCounters, likely_cause

CALM = MachineCounters(CoreClock({"1": (0, 0)}))
ALONE, CROWDED = CoreClock({"1": (10**9, 0)}), CoreClock({"1": (10**9, 10**9)})


@pytest.mark.parametrize(
    ("after", "emulated", "words"),
    [
        ({"cores": CROWDED}, None, "other work is on the cores: threads waited for one in 50%"),
        ({"throttled_s": 0.5}, None, "quota of processor time was used up in 50%"),
        ({"swapped_bytes": 2**30}, None, "1,024 MiB went to and from swap"),
        ({"hot_events": 3}, None, "the processor is hot"),
        ({"frequency": 0.4}, None, "runs at 40% of its highest frequency"),
        ({}, "bf16", "no units for bf16"),
        ({}, None, "not known"),
        ({"cores": CROWDED, "swapped_bytes": 2**30}, "bf16", "swap"),
        ({"cores": CROWDED}, "bf16", "other work"),
    ],
)
def test_the_cause_is_named(after, emulated, words):
    after = replace(CALM, **{"cores": ALONE, **after})
    assert words in likely_cause(CALM, after, seconds=1.0, emulated_format=emulated)


def test_what_was_so_before_explains_nothing():
    long_ago = MachineCounters(CROWDED, throttled_s=100.0, swapped_bytes=2**40, hot_events=9)
    assert "not known" in likely_cause(long_ago, long_ago, seconds=1.0)


def test_the_files_of_linux_are_read(tmp_path):
    for core, (throttled, now, most) in {"cpu0": (2, 1_000, 4_000), "cpu1": (3, 2_000, 4_000)}.items():
        (tmp_path / core / "thermal_throttle").mkdir(parents=True)
        (tmp_path / core / "cpufreq").mkdir()
        (tmp_path / core / "thermal_throttle" / "core_throttle_count").write_text(f"{throttled}\n")
        (tmp_path / core / "cpufreq" / "scaling_cur_freq").write_text(f"{now}\n")
        (tmp_path / core / "cpufreq" / "cpuinfo_max_freq").write_text(f"{most}\n")
    groups = ControlGroups(tmp_path, tmp_path / "none")
    (tmp_path / "cpu.stat").write_text("usage_usec 9\nthrottled_usec 2500000\n")
    counters = MachineCounters.read(groups=groups, processors=tmp_path)
    assert (counters.hot_events, counters.frequency, counters.throttled_s) == (5, 0.5, 2.5)


def test_a_machine_without_such_files_has_no_cause(tmp_path):
    counters = MachineCounters.read(groups=ControlGroups(tmp_path, tmp_path / "none"), processors=tmp_path)
    assert (counters.hot_events, counters.frequency, counters.throttled_s) == (0, 1.0, 0.0)
