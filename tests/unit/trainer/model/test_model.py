"""A model predicts, evaluates and saves."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from naiad.errors import ArtifactError, DataError, OptionError
from naiad.trainer.artifact.program import CentroidHead, Program, RescaleHead, SoftmaxHead
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.load import load
from naiad.trainer.model.model import Model
from naiad.trainer.nets.network_source import NetworkSource


@pytest.fixture
def make(plan):
    def make_model(net, head, task, classes=(), shape=(5,)):
        torch.manual_seed(0)
        image = len(shape) == 3
        statistics = torch.full((shape[0],), 2.0), torch.full((shape[0],), 3.0)
        return Model(
            program=Program(ImageFeatures(*statistics) if image else ArrayFeatures(*statistics), net, head).eval(),
            task=task,
            schema=ImageSchema(*shape) if image else ArraySchema(shape),
            classes=classes,
            target_name="class",
            plan=plan(),
            network=NetworkSource("Net", registered=False),
        )

    return make_model


@pytest.fixture
def classifier(make):
    return make(nn.Linear(5, 3), SoftmaxHead(), Task.CLASSIFICATION, ("ant", "bee", "cat"))


def test_classification_gives_names_and_probabilities(classifier):
    inputs = np.random.default_rng(0).normal(size=(7, 5))
    predictions = classifier.predict(inputs)
    assert predictions.labels.shape == (7,)
    assert predictions.scores.shape == (7, 3)
    assert predictions.scores.dtype == np.float32
    assert predictions.scores.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert list(predictions.labels) == [classifier.classes[best] for best in predictions.scores.argmax(axis=1)]


def test_the_batch_size_does_not_change_scores(classifier):
    inputs = torch.randn(7, 5)
    whole, batched = classifier.predict(inputs), classifier.predict(inputs, batch_size=3)
    assert np.allclose(whole.scores, batched.scores, atol=1e-6)


def test_one_sample_without_n_is_a_batch_of_one(classifier, make):
    assert classifier.predict(torch.randn(5)).labels.shape == (1,)
    images = make(
        nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), SoftmaxHead(), Task.CLASSIFICATION, ("a", "b"), (1, 8, 8)
    )
    assert images.predict(np.zeros((1, 8, 8), dtype=np.uint8)).scores.shape == (1, 2)


def test_regression_gives_values(make):
    model = make(nn.Linear(5, 1), RescaleHead(10.0, 2.0), Task.REGRESSION)
    predictions = model.predict(torch.randn(4, 5))
    assert predictions.scores.shape == (4, 1)
    assert np.array_equal(predictions.labels, predictions.scores[:, 0])


def test_clustering_gives_cluster_numbers(make):
    model = make(nn.Identity(), CentroidHead(torch.eye(5)[:3]), Task.CLUSTERING)
    predictions = model.predict(2 + 3 * torch.eye(5)[:3])
    assert predictions.labels.tolist() == [0, 1, 2]
    assert predictions.scores.shape == (3, 3)


def test_predictions_are_made_in_eval_mode(make):
    model = make(nn.Sequential(nn.Dropout(0.9), nn.Linear(5, 3)), SoftmaxHead(), Task.CLASSIFICATION, ("a", "b", "c"))
    model.program.train()
    inputs = torch.randn(4, 5)
    assert np.array_equal(model.predict(inputs).scores, model.predict(inputs).scores)


def test_input_that_does_not_fit_is_refused(classifier):
    for inputs in (np.zeros((0, 5)), np.zeros((2, 4)), "no numbers"):
        with pytest.raises(DataError):
            classifier.predict(inputs)
    with pytest.raises(OptionError, match="batch_size must be a whole number of at least 1, given 0"):
        classifier.predict(np.zeros((1, 5)), batch_size=0)


def test_evaluate_uses_all_of_data_without_splits(classifier):
    inputs = torch.randn(12, 5)
    labels = classifier.predict(inputs).labels
    evaluation = classifier.evaluate((inputs.numpy(), labels))
    assert evaluation.samples == 12
    assert evaluation.metrics["accuracy"] == 1.0
    assert evaluation.confusion.sum() == 12


def test_a_loaded_model_is_saved_elsewhere_by_copying(classifier, tmp_path):
    folder = classifier.save(str(tmp_path / "first"))
    assert folder == classifier.path == tmp_path / "first"
    loaded = load(folder)
    assert loaded.save(folder) == folder
    loaded.save(tmp_path / "second")
    again = load(tmp_path / "second")
    assert np.array_equal(again.predict(torch.ones(5)).scores, loaded.predict(torch.ones(5)).scores)
    (tmp_path / "second").rename(tmp_path / "moved")
    with pytest.raises(ArtifactError, match="is gone"):
        again.save(tmp_path / "third")


def test_items_of_datasets_are_predicted_in_their_order(classifier):
    inputs, targets = torch.randn(7, 5), torch.zeros(7, dtype=torch.int64)
    expected = classifier.predict(inputs).scores
    labelled, plain = TensorDataset(inputs, targets), TensorDataset(inputs)
    for data in (labelled, plain, DataLoader(labelled, batch_size=3), DataLoader(plain, batch_size=3)):
        assert np.array_equal(classifier.predict(data).scores, expected)
    named = [{"x": row, "class": 1} for row in inputs]
    assert np.array_equal(classifier.predict(DataLoader(named)).scores, expected)
