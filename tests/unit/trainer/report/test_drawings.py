from dataclasses import replace

import numpy as np

from naiad.trainer.report import drawings


def test_scores_belong_to_the_split_of_their_number(classified):
    dataset, evaluation = classified.dataset, classified.evaluation
    assert drawings.tested(dataset, evaluation).split is dataset.test
    assert drawings.tested(replace(dataset, validation=dataset.test, test=None), evaluation).split is dataset.test
    assert drawings.tested(replace(dataset, test=None), evaluation) is None
    assert drawings.tested(None, evaluation) is None


def test_a_model_without_history_has_no_curves(classified):
    assert list(drawings.curves(replace(classified.model, history=()))) == []


def test_history_without_validation_still_has_curves(classified):
    bare = tuple(replace(record, validation={}) for record in classified.model.history)
    assert [drawing.name for drawing in drawings.curves(replace(classified.model, history=bare))] == [
        "loss",
        "learning-rate",
    ]


def test_values_that_are_not_finite_are_not_drawn(regressed):
    scores = np.full_like(regressed.evaluation.scores, np.nan)
    part = drawings.tested(regressed.dataset, replace(regressed.evaluation, scores=scores))
    assert list(drawings.regression(part)) == []
    scores[:3] = 1.0
    assert len(list(drawings.regression(part))) == 2


def test_clusters_need_a_program_that_can_be_taken_apart(clustered):
    part = drawings.tested(clustered.dataset, clustered.evaluation)
    assert len(list(drawings.clusters(part, clustered.model))) == 1
    assert list(drawings.clusters(part, replace(clustered.model, program=clustered.model.program.head))) == []


def test_a_picture_is_its_own_address(classified):
    drawing = drawings.confusion(classified.evaluation.to_json())
    assert drawing.uri.startswith("data:image/png;base64,iVBOR")
