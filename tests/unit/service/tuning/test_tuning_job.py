import datetime as dt

import pytest
from tuning_world import NOW, make_trial, make_tuning, tuning_request

from naiad.service.domain.errors import IllegalMove
from naiad.service.domain.scope import Creator, parse_limit
from naiad.service.domain.tuning import TUNING_MOVES, TrialState, TuningStatus
from naiad.service.tuning.tuning_job import TuningDetail, TuningJob, best_trial

COMPLETED, STOPPED, PRIOR = TrialState.COMPLETED, TrialState.STOPPED, TrialState.PRIOR


def test_the_best_is_one_that_has_completed_where_one_has() -> None:
    trials = [
        make_trial(1, COMPLETED, 0.5),
        make_trial(2, STOPPED, 0.1),
        make_trial(3, COMPLETED, 0.3, stop_reason="it has completed before the stop"),
        make_trial(4, TrialState.FAILED),
        make_trial(5, TrialState.ACTIVE, 0.0),
        make_trial(6, COMPLETED, 0.3),
    ]
    for is_maximized, number in ((False, 3), (True, 1)):
        best = best_trial(trials, is_maximized=is_maximized)
        assert best is not None
        assert best.number == number
    stopped = best_trial(trials[1:2], is_maximized=False)
    assert stopped is trials[1]
    assert best_trial(trials[3:5], is_maximized=False) is None


def test_a_trial_of_a_parent_that_was_stopped_there_has_left_no_model() -> None:
    stopped, whole = make_trial(-2, PRIOR, 0.1, stop_reason="others were better"), make_trial(-1, PRIOR, 0.4)
    assert best_trial([stopped, whole], is_maximized=False) is whole


def test_a_tuning_job_comes_back_from_its_record() -> None:
    detail = TuningDetail(
        creator=Creator("AKIA", (parse_limit("s3://data/team/"),)),
        exhausted=("a",),
        converged_at=NOW,
        failure_reason="no",
        ended_at=NOW + dt.timedelta(seconds=1),
    )
    assert TuningJob.of(make_tuning(tuning_request(), detail=detail).entity).detail == detail
    assert TuningDetail.from_json(TuningDetail().to_json()) == TuningDetail()


def test_moves_are_those_of_the_table() -> None:
    for before, after in ((one, other) for one in TuningStatus for other in TuningStatus):
        tuning = make_tuning(tuning_request(), before)
        if after in TUNING_MOVES[before]:
            moved = tuning.changed(tuning.detail, at=NOW, status=after)
            assert moved.status is after
            assert (moved.detail.ended_at == NOW) is after.is_final
        else:
            with pytest.raises(IllegalMove, match="tune cannot go from"):
                tuning.changed(tuning.detail, at=NOW, status=after)
