import pytest

from naiad.service.domain.status import MOVES, RUNNING_PHASES, STATUS_OF, Phase, Status

ENDS = {Phase.COMPLETED, Phase.FAILED, Phase.STOPPED, Phase.MAX_RUNTIME_EXCEEDED, Phase.MAX_WAIT_TIME_EXCEEDED}


def test_every_phase_has_moves_and_a_status():
    assert set(MOVES) == set(Phase)
    assert set(STATUS_OF) == set(Phase)


def test_a_phase_has_no_moves_exactly_when_its_status_is_final():
    assert {phase for phase, moves in MOVES.items() if not moves} == ENDS
    assert {phase for phase in Phase if STATUS_OF[phase].is_final} == ENDS


def test_no_move_is_listed_twice_or_leads_to_the_same_phase():
    for phase, moves in MOVES.items():
        assert len(set(moves)) == len(moves)
        assert phase not in moves


def reachable(start: Phase) -> set[Phase]:
    phases, queue = {start}, [start]
    while queue:
        new = set(MOVES[queue.pop()]) - phases
        phases |= new
        queue += new
    return phases


def test_every_phase_can_be_reached_from_the_first():
    assert reachable(Phase.PENDING) == set(Phase)


@pytest.mark.parametrize("phase", Phase)
def test_every_job_can_fail_and_be_stopped(phase):
    assert phase in ENDS or {Phase.FAILED, Phase.STOPPED} <= reachable(phase)


@pytest.mark.parametrize("phase", RUNNING_PHASES)
def test_a_job_that_loses_its_machine_can_wait_again(phase):
    assert Phase.PENDING in MOVES[phase]
    assert STATUS_OF[phase] is Status.IN_PROGRESS


def test_a_stopping_job_cannot_start_again():
    assert set(MOVES[Phase.STOPPING]) == ENDS


def test_the_words_are_those_of_the_published_model():
    model = pytest.importorskip("botocore.session").get_session().get_service_model("sagemaker")
    assert set(Status) <= set(model.shape_for("TrainingJobStatus").enum)
    assert set(Phase) <= set(model.shape_for("SecondaryStatus").enum)
    assert set(Status) <= set(model.shape_for("ProcessingJobStatus").enum)
