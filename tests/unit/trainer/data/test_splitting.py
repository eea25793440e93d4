import numpy as np
import numpy.typing as npt
import pytest

from naiad.errors import DataError
from naiad.trainer.data.splitting import validation_indices


def test_stratified_and_seeded() -> None:
    strata = np.array([0] * 90 + [1] * 8 + [2] * 2 + [3])
    train, validation = validation_indices(np.arange(101), strata=strata, seed=0)
    assert np.bincount(strata[validation]).tolist() == [8, 1, 1]
    assert sorted([*train, *validation]) == list(range(101))
    again = validation_indices(np.arange(101), strata=strata, seed=0)[1]
    assert np.array_equal(validation, again)
    assert not np.array_equal(validation, validation_indices(np.arange(101), strata=strata, seed=1)[1])


def test_at_most_five_thousand() -> None:
    assert len(validation_indices(np.arange(90_000), strata=None, seed=0)[1]) == 5_000


def test_copies_stay_together() -> None:
    groups = np.arange(100) // 4
    train, validation = validation_indices(groups, strata=None, seed=3)
    assert not set(groups[train]) & set(groups[validation])


@pytest.mark.parametrize("strata", [None, np.array([0, 1])])
def test_two_samples(strata: npt.NDArray[np.int64] | None) -> None:
    train, validation = validation_indices(np.arange(2), strata=strata, seed=0)
    assert (len(train), len(validation)) == (1, 1)


def test_one_sample_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be split"):
        validation_indices(np.arange(1), strata=None, seed=0)
