"""The figures that a report has."""

from dataclasses import replace

import numpy as np

from naiad.trainer.report import figures


def test_scores_belong_to_the_split_of_their_size(classification_run):
    dataset, evaluation = classification_run.dataset, classification_run.evaluation
    assert figures.scored_split(dataset, evaluation).split is dataset.test
    assert figures.scored_split(replace(dataset, validation=dataset.test, test=None), evaluation).split is dataset.test
    assert figures.scored_split(replace(dataset, test=None), evaluation) is None
    assert figures.scored_split(None, evaluation) is None


def test_a_model_without_history_has_no_curves(classification_run):
    assert list(figures.curves(replace(classification_run.model, history=()))) == []


def test_history_without_validation_still_has_curves(classification_run):
    bare = tuple(replace(record, validation={}) for record in classification_run.model.history)
    assert [figure.name for figure in figures.curves(replace(classification_run.model, history=bare))] == [
        "loss",
        "learning-rate",
    ]


def test_values_that_are_not_finite_are_left_out(regression_run):
    scores = np.full_like(regression_run.evaluation.scores, np.nan)
    scored = figures.scored_split(regression_run.dataset, replace(regression_run.evaluation, scores=scores))
    assert list(figures.regression(scored)) == []
    scores[:3] = 1.0
    assert len(list(figures.regression(scored))) == 2


def test_a_cluster_figure_needs_an_encoder(clustering_run):
    scored = figures.scored_split(clustering_run.dataset, clustering_run.evaluation)
    assert len(list(figures.clusters(scored, clustering_run.model))) == 1
    assert (
        list(figures.clusters(scored, replace(clustering_run.model, program=clustering_run.model.program.head))) == []
    )


def test_a_figure_has_a_data_uri(classification_run):
    figure = figures.confusion(classification_run.evaluation.to_json())
    assert figure.uri.startswith("data:image/png;base64,iVBOR")
