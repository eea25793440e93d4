import os

import pytest

from naiad.service.contract.instance_types import GIB, instance_type
from naiad.service.contract.resources import Resources, of_this_machine
from naiad.service.domain.errors import DoesNotFit
from naiad.service.domain.job import Need

SMALL = Resources((0, 1), 8 * GIB)
LARGE = Resources(tuple(range(16)), 64 * GIB, gpus=(0, 1))


def test_a_type_that_fits_is_given_whole() -> None:
    assert LARGE.need(instance_type("ml.m5.xlarge"), instances=2) == (Need(2, 4, 16 * GIB), "")


def test_a_type_larger_than_the_machine_is_scaled_down_and_says_so() -> None:
    need, message = SMALL.need(instance_type("ml.m5.xlarge"), instances=1)
    assert need == Need(1, 2, 8 * GIB)
    assert "ml.m5.xlarge has 4 cores" in message
    assert "2 cores and 8.0 GiB" in message


def test_instances_share_the_machine() -> None:
    need, _ = SMALL.need(instance_type("ml.m5.large"), instances=2)
    assert need == Need(2, 1, 4 * GIB)


def test_more_instances_than_cores_are_refused() -> None:
    with pytest.raises(DoesNotFit, match="3 instances do not fit at once: this machine has 2 cores"):
        SMALL.need(instance_type("ml.m5.large"), instances=3)


def test_without_fitting_what_exceeds_the_machine_is_refused() -> None:
    strict = Resources((0, 1), 8 * GIB, fit_instances=False)
    with pytest.raises(DoesNotFit, match=r"1 × ml\.m5\.xlarge asks for 4 cores, 16 GiB each; this machine has 2 cores"):
        strict.need(instance_type("ml.m5.xlarge"), instances=1)
    assert strict.need(instance_type("ml.m5.large"), instances=1)[0] == Need(1, 2, 8 * GIB)


def test_gpus_are_never_scaled_down() -> None:
    assert LARGE.need(instance_type("ml.g5.xlarge"), instances=2)[0].gpus == 1
    for machine, instances in ((SMALL, 1), (LARGE, 3)):
        with pytest.raises(DoesNotFit, match="GPUs; take a type without"):
            machine.need(instance_type("ml.g5.xlarge"), instances=instances)


def test_cores_of_ones_own_take_memory_in_proportion() -> None:
    assert LARGE.need(instance_type("ml.m5.large"), instances=1, cores=1)[0] == Need(1, 1, 4 * GIB)


def test_local_is_the_whole_machine() -> None:
    assert SMALL.need(instance_type("local"), instances=1) == (Need(1, 2, 8 * GIB), "")
    assert LARGE.need(instance_type("local_gpu"), instances=1)[0] == Need(1, 16, 64 * GIB, 2)
    with pytest.raises(DoesNotFit):
        SMALL.need(instance_type("local_gpu"), instances=1)


def test_this_machine_has_at_least_a_core_of_those_it_may_use() -> None:
    found = of_this_machine()
    assert found.cpus
    assert set(found.cpus) <= os.sched_getaffinity(0)
    assert found.memory_bytes > 0
