"""Cores, memory, device and number formats of this machine."""

import os
import subprocess
import sys

import psutil
import pytest
import torch

from naiad.errors import OptionError
from naiad.trainer.machine import device
from naiad.trainer.machine.cgroups import ControlGroups


def test_cores_are_within_the_affinity():
    assert 1 <= device.usable_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("quota", "cores"), [("100000 100000", 1), ("50000 100000", 1)])
def test_cores_are_within_the_quota(tmp_path, quota, cores):
    (tmp_path / "cpu.max").write_text(quota)
    assert device.usable_cores(groups=ControlGroups(tmp_path, tmp_path / "membership")) == cores


def test_without_a_limit_free_memory_is_that_of_the_machine(tmp_path):
    free = device.free_memory_bytes(groups=ControlGroups(tmp_path, tmp_path / "membership"))
    assert 10_000_000 < free <= psutil.virtual_memory().total


def test_a_control_group_limits_the_free_memory(tmp_path):
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    assert device.free_memory_bytes(groups=ControlGroups(tmp_path, tmp_path / "membership")) == 2_000_000


def test_torchs_own_setting_limits_the_cores():
    code = "from naiad.trainer.machine.device import usable_cores; print(usable_cores())"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == "1"


def test_torch_can_use_the_device():
    assert torch.ones(1, device=device.best_device()).sum() == 1


def test_bf16_follows_the_processors_flags():
    assert device.has_bf16("cpu") <= bool({"amx_bf16", "avx512_bf16", "bf16"} & device.cpu_flags())
    assert not device.has_bf16("mps")


@pytest.mark.parametrize("variable", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
def test_instructions_that_are_switched_off_count_as_missing(monkeypatch, variable):
    monkeypatch.setattr(device, "cpu_flags", lambda: frozenset({"avx512f", "avx512_bf16"}))
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert device.has_bf16("cpu")
    monkeypatch.setenv(variable, "avx2")
    assert not device.has_bf16("cpu")
    monkeypatch.delenv(variable)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not device.has_bf16("cpu")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc/cpuinfo")
def test_flags_are_words():
    assert "fpu" in device.cpu_flags() or not device.cpu_flags()


def test_a_device_must_be_there():
    device.check_device(None)
    device.check_device("cpu")
    device.check_device("cpu:0")
    for name in ("foo", "meta", "cuda:99", "", "privateuseone"):
        with pytest.raises(OptionError, match="cannot be used here") as caught:
            device.check_device(name)
        assert "this machine has" in caught.value.hint
