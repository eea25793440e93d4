import os

import pytest

from naiad.service.contract.instance_types import GIB, instance_type
from naiad.service.contract.machine_resources import MachineResources, detect_machine_resources
from naiad.service.domain.errors import LimitExceeded
from naiad.service.domain.job import ResourceRequest

SMALL = MachineResources((0, 1), 8 * GIB)
LARGE = MachineResources(tuple(range(16)), 64 * GIB, gpus=(0, 1))


def test_a_type_that_fits_is_granted_whole() -> None:
    assert LARGE.request_for(instance_type("ml.m5.xlarge"), instances=2) == (ResourceRequest(2, 4, 16 * GIB), "")


def test_a_type_larger_than_the_machine_is_scaled_down_and_says_so() -> None:
    resources, message = SMALL.request_for(instance_type("ml.m5.xlarge"), instances=1)
    assert resources == ResourceRequest(1, 2, 8 * GIB)
    assert "ml.m5.xlarge has 4 cores" in message
    assert "2 cores and 8.0 GiB" in message


def test_instances_divide_the_machine() -> None:
    resources, _ = SMALL.request_for(instance_type("ml.m5.large"), instances=2)
    assert resources == ResourceRequest(2, 1, 4 * GIB)


@pytest.mark.parametrize(
    ("name", "cores"), [("ml.m5.large", None), ("ml.c5.4xlarge", None), ("ml.m5.large", 1), ("local", None)]
)
def test_more_instances_than_cores_share_them_and_are_told_so(name: str, cores: int | None) -> None:
    resources, message = SMALL.request_for(instance_type(name), instances=3, cores=cores)
    assert (resources.instances, resources.cores) == (3, 1)
    assert resources.memory_bytes <= 8 * GIB // 3
    assert message.endswith("the 3 instances share the 2 cores of this machine, so each is slower")


def test_instances_that_share_cores_need_memory_each() -> None:
    with pytest.raises(LimitExceeded, match="40 instances do not fit at once: this machine has 2 cores"):
        SMALL.request_for(instance_type("ml.m5.large"), instances=40)


def test_without_fitting_no_cores_are_shared() -> None:
    with pytest.raises(LimitExceeded, match=r"3 × ml\.m5\.large asks for 1 cores"):
        MachineResources((0, 1), 64 * GIB, fit_instances=False).request_for(
            instance_type("ml.m5.large"), instances=3, cores=1
        )


def test_without_fitting_what_exceeds_the_machine_is_refused() -> None:
    strict = MachineResources((0, 1), 8 * GIB, fit_instances=False)
    with pytest.raises(
        LimitExceeded, match=r"1 × ml\.m5\.xlarge asks for 4 cores, 16 GiB each; this machine has 2 cores"
    ):
        strict.request_for(instance_type("ml.m5.xlarge"), instances=1)
    assert strict.request_for(instance_type("ml.m5.large"), instances=1)[0] == ResourceRequest(1, 2, 8 * GIB)


def test_gpus_are_never_scaled_down() -> None:
    assert LARGE.request_for(instance_type("ml.g5.xlarge"), instances=2)[0].gpus == 1
    for machine, instances in ((SMALL, 1), (LARGE, 3)):
        with pytest.raises(LimitExceeded, match="GPUs; use a type without"):
            machine.request_for(instance_type("ml.g5.xlarge"), instances=instances)


def test_other_cores_change_the_memory_in_proportion() -> None:
    assert LARGE.request_for(instance_type("ml.m5.large"), instances=1, cores=1)[0] == ResourceRequest(1, 1, 4 * GIB)


def test_local_is_the_whole_machine() -> None:
    assert SMALL.request_for(instance_type("local"), instances=1) == (ResourceRequest(1, 2, 8 * GIB), "")
    assert LARGE.request_for(instance_type("local_gpu"), instances=1)[0] == ResourceRequest(1, 16, 64 * GIB, 2)
    with pytest.raises(LimitExceeded):
        SMALL.request_for(instance_type("local_gpu"), instances=1)


def test_this_machine_has_at_least_one_core() -> None:
    machine = detect_machine_resources()
    assert machine.cpus
    assert set(machine.cpus) <= os.sched_getaffinity(0)
    assert machine.memory_bytes > 0
